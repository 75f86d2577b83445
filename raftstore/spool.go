package raftstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// spoolPattern is how files are named in the data directory that hold a backup
// on its way in or out. None of them is needed after the process.
const spoolPattern = "spool-*" + temporary

// ErrNoRoom is returned when the disk has no room for what was asked. Nothing was
// changed.
var ErrNoRoom = errors.New("the disk has no room for it")

// spool is a file that is gone when it is closed.
type spool struct{ *os.File }

func newSpool(dir string) (spool, error) {
	f, err := os.CreateTemp(dir, spoolPattern)
	return spool{f}, err
}

// Close closes and removes the file.
func (s spool) Close() error { return errors.Join(s.File.Close(), os.Remove(s.Name())) }

// removeSpools removes what a process left that had no time to close them.
func removeSpools(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, spoolPattern))
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// hasRoom refuses what would leave less than 5 % of the disk of a directory
// free.
func hasRoom(dir string, bytes uint64) error {
	free, size, err := freeSpace(dir)
	if err == nil && free < bytes+size/spaceFree {
		return fmt.Errorf("%w: it takes %d bytes, of %d that are free 5 %% of the disk must stay so", ErrNoRoom, bytes, free)
	}
	return nil // where nobody knows, the disk says so itself
}
