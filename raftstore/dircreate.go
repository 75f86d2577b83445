package raftstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Addresses are free on 64-bit machines; a file that outgrows its mapping is
// mapped anew, for which all readers must end.
const (
	logMapping   = 256 << 20
	imageMapping = 1 << 30
)

// A directory is made in an order that survives a crash at any point: first
// node.json, not yet complete; then each file under a temporary name, synced
// and renamed; last node.json again, complete. An incomplete directory is
// completed, a complete one is never added to.

// ensureNodeFile returns the content of node.json, which it makes on a first
// start.
func ensureNodeFile(dir, node string) (nodeFile, error) {
	f, err := readNodeFile(dir)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := mayBegin(dir); err != nil {
		return f, err
	}
	f = nodeFile{Format: nodeFormat, Node: node, Incarnation: newIncarnation()}
	return f, f.write(dir)
}

// mayBegin refuses a directory without node.json that is not empty.
func mayBegin(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case slices.Contains([]string{logName, imageName, snapshotsName}, name):
			return damaged(filepath.Join(dir, nodeName), "missing beside "+name, nil)
		case strings.HasPrefix(name, "."), strings.HasSuffix(name, temporary), name == "lost+found":
		default:
			return &DamageError{
				Path: dir, Problem: "holds something that is not rollcall's: " + name,
				Remedy: "choose an empty or a new directory with --data-dir",
			}
		}
	}
	return nil
}

// complete makes what an incomplete directory lacks.
func complete(dir string, f *nodeFile) error {
	for _, step := range creation(dir, f) {
		if err := step(); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
		failAt("creation", "done")
	}
	return nil
}

// creation returns the steps, each of which may find itself already done.
func creation(dir string, f *nodeFile) []func() error {
	return []func() error{
		func() error {
			h := logHead{mark: f.mark()}
			return createDB(filepath.Join(dir, logName), h.encode(), logBucket)
		},
		func() error {
			h := imageHead{mark: f.mark()}
			return createDB(filepath.Join(dir, imageName), h.encode(), renewalsBucket)
		},
		func() error { return makeDir(filepath.Join(dir, snapshotsName)) },
		func() error {
			f.Complete = true
			return f.write(dir)
		},
	}
}

// createDB makes a database with a head and one empty bucket, unless it is
// there.
func createDB(path string, head []byte, bucket string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	temp := path + temporary
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := openDB(temp, 0)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error { return initDB(tx, head, bucket) })
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	failAt("database", "made")
	return moveInto(temp, path)
}

func initDB(tx *bolt.Tx, head []byte, bucket string) error {
	b, err := tx.CreateBucket([]byte(headBucket))
	if err != nil {
		return err
	}
	if err := b.Put(headKey, head); err != nil {
		return err
	}
	_, err = tx.CreateBucket([]byte(bucket))
	return err
}

// openDB opens a database as all of ours are: every commit is synced, the free
// list is not stored but found again at the start.
func openDB(path string, mapping int) (*bolt.DB, error) {
	return bolt.Open(path, 0o600, &bolt.Options{
		Timeout: time.Second, NoFreelistSync: true, FreelistType: bolt.FreelistMapType, InitialMmapSize: mapping,
		NoSync: tuned("sync", 1) == 0, // false: always, in builds for use
	})
}
