package raftstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// temporary is the suffix of files that are not yet what their name says.
const temporary = ".new"

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// moveInto gives a file that is already synced its name, durably.
func moveInto(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	failAt("file", "renamed")
	return syncDir(filepath.Dir(to))
}

// replaceFile puts content under path so that after a crash there is either
// the old or the new one.
func replaceFile(path string, content []byte) error {
	if err := writeSynced(path+temporary, content); err != nil {
		return err
	}
	return moveInto(path+temporary, path)
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		f.Close()
		return err
	}
	failAt("file", "written")
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	failAt("file", "synced")
	return f.Close()
}

// makeDir makes a directory and those above it, durably.
func makeDir(path string) error {
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", path)
		}
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	failAt("directory", "made")
	return syncDir(parent)
}
