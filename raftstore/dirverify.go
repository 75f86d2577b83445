package raftstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// openFiles verifies what is on disk, then opens it.
func (d *Dir) openFiles() error {
	for _, name := range []string{logName, imageName, snapshotsName} {
		if err := present(filepath.Join(d.path, name)); err != nil {
			return err
		}
	}
	snapshot, err := newestSnapshot(d.path)
	if err != nil {
		return err
	}
	if err := verifySnapshot(d.path, snapshot, d.node.ClusterID, d.node.Recovering); err != nil {
		return err
	}
	d.snapshot = snapshot
	logs := &logCheck{mark: d.node.mark(), idle: make(map[uint64]struct{}), snapshot: snapshot.Index}
	if err := verifyFile(filepath.Join(d.path, logName), logs.visit, logs.finish); err != nil {
		return inFile(d.path, logName, err)
	}
	state := &imageCheck{mark: d.node.mark()}
	if err := verifyFile(filepath.Join(d.path, imageName), state.visit, state.finish); err != nil {
		return inFile(d.path, imageName, err)
	}
	if err := fit(d.path, logs, state, snapshot); err != nil {
		return err
	}
	return d.openDBs(logs, state)
}

func present(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return damaged(path, "missing where there were others", nil)
	case err != nil:
		return err
	case !info.IsDir() && info.Size() == 0:
		return damaged(path, "emptied", nil)
	}
	return nil
}

// verifyFile checks a database without opening it.
func verifyFile(path string, visit visitor, finish func() error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := verifyPages(f, info.Size(), visit); err != nil {
		return err
	}
	return finish()
}

func (d *Dir) openDBs(logs *logCheck, state *imageCheck) error {
	path := filepath.Join(d.path, imageName)
	if err := os.Remove(path + temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // an installation that was cut short
	}
	if err := removeSpools(d.path); err != nil {
		return err
	}
	var logDB, stateDB *bolt.DB
	err := guard(func() (err error) {
		if logDB, err = openDB(filepath.Join(d.path, logName), logMapping); err != nil {
			return fmt.Errorf("open %s: %w", logName, err)
		}
		d.log = newLogStore(logDB, logs, d.disk)
		if stateDB, err = openDB(path, imageMapping); err != nil {
			return fmt.Errorf("open %s: %w", imageName, err)
		}
		d.image = newImage(path, stateDB, state.head, d.disk)
		return nil
	})
	if err != nil {
		return err
	}
	if err := d.healFounding(); err != nil {
		return err
	}
	return d.healLog(logs)
}

// healFounding undoes a founding that a crash cut short. Raft notes term 1, then
// its first entry; with the term alone it takes itself for a member and refuses to
// found anything. No leader has that term, so nothing was promised in it.
func (d *Dir) healFounding() error {
	if d.snapshot.Index > 0 || !d.log.halfFounded() {
		return nil
	}
	return d.log.Set([]byte(keyCurrentTerm), nil)
}

// healLog ends an installation of a snapshot that a crash cut short before
// Raft could remove the entries that the snapshot replaces.
func (d *Dir) healLog(logs *logCheck) error {
	if logs.superseded(d.snapshot) {
		return d.log.DeleteRange(logs.head.first, logs.head.last)
	}
	return nil
}

// openMarked decodes the one head of a file and checks whose it is.
func openMarked[H interface{ owner() mark }](key, value []byte, found bool, own mark, decode func([]byte) (H, error)) (bool, H, error) {
	h, err := decode(value)
	switch {
	case err != nil:
		return false, h, err
	case found || !bytes.Equal(key, headKey):
		return false, h, errors.New("has more than one head")
	case h.owner() != own:
		m := h.owner()
		return false, h, fmt.Errorf("foreign: made by node %s/%s, not %s/%s", m.node, m.incarnation, own.node, own.incarnation)
	}
	return true, h, nil
}
