package raftstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/hashicorp/raft"
	bolt "go.etcd.io/bbolt"
)

func setPanicOnFault() (restore func()) {
	old := debug.SetPanicOnFault(true)
	return func() { debug.SetPanicOnFault(old) }
}

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
	return d.healLog(logs)
}

// healLog ends an installation of a snapshot that a crash cut short before
// Raft could remove the entries that the snapshot replaces.
func (d *Dir) healLog(logs *logCheck) error {
	if logs.superseded(d.snapshot) {
		return d.log.DeleteRange(logs.head.first, logs.head.last)
	}
	return nil
}

// logCheck gathers what the pages of raft.db say.
type logCheck struct {
	mark     mark
	snapshot uint64 // index of the newest snapshot

	found    bool
	head     logHead
	next     uint64 // index expected
	count    uint64
	bytes    uint64 // of the records beyond the snapshot
	snapTerm uint64 // term of the entry at snapshot, 0 if it is not there
	idle     map[uint64]struct{}
}

func (c *logCheck) visit(bucket string, key, value []byte) (err error) {
	switch bucket {
	case headBucket:
		c.found, c.head, err = openMarked(key, value, c.found, c.mark, decodeLogHead)
		c.next = c.head.first
		return err
	case logBucket:
		return c.entry(key, value)
	}
	return fmt.Errorf("unknown bucket %q", bucket)
}

func (c *logCheck) entry(key, record []byte) error {
	if len(key) != 8 || binary.BigEndian.Uint64(key) != c.next || c.next > c.head.last {
		return fmt.Errorf("entry %d of %d to %d is missing", c.next, c.head.first, c.head.last)
	}
	l, err := decodeLog(c.next, record)
	if err != nil {
		return err
	}
	if l.Type == raft.LogNoop || l.Type == raft.LogBarrier {
		c.idle[c.next] = struct{}{}
	}
	if c.next == c.snapshot {
		c.snapTerm = l.Term
	}
	if c.next > c.snapshot {
		c.bytes += uint64(len(record))
	}
	c.next++
	c.count++
	return nil
}

func (c *logCheck) finish() error {
	switch {
	case !c.found:
		return errors.New("has no head")
	case c.head.last > 0 && c.count != c.head.last-c.head.first+1:
		return fmt.Errorf("the last entries are missing: %d of %d to %d are left", c.count, c.head.first, c.head.last)
	}
	return nil
}

// superseded says whether the log is one that the snapshot replaces.
func (c *logCheck) superseded(s raft.SnapshotMeta) bool {
	if s.Index == 0 || c.head.last == 0 {
		return false
	}
	return c.head.last < s.Index || (c.snapTerm != 0 && c.snapTerm != s.Term)
}

// imageCheck gathers what the pages of state.db say.
type imageCheck struct {
	mark    mark
	foreign bool // the mark may be another's: a snapshot of another node

	found  bool
	head   imageHead
	count  uint64
	sum    uint64
	chunks uint64
}

func (c *imageCheck) visit(bucket string, key, value []byte) (err error) {
	if bucket == headBucket {
		decode := decodeImageHead
		if c.foreign {
			decode = func(b []byte) (imageHead, error) {
				h, err := decodeImageHead(b)
				h.mark = c.mark
				return h, err
			}
		}
		c.found, c.head, err = openMarked(key, value, c.found, c.mark, decode)
		return err
	}
	if bucket == renewalsBucket {
		return c.chunk(key, value)
	}
	return c.record(bucket, key, value)
}

func (c *imageCheck) chunk(key, value []byte) error {
	if !bytes.Equal(key, chunkKey(c.chunks)) {
		return fmt.Errorf("packed renewals %d are missing", c.chunks)
	}
	_, err := unsealChunk(c.chunks, c.head.generation, value)
	c.chunks++
	return err
}

func (c *imageCheck) record(bucket string, key, value []byte) error {
	kind, ok := parseKind(bucket)
	if !ok {
		return fmt.Errorf("unknown bucket %q", bucket)
	}
	c.count++
	c.sum += recordHash(kind, key, value)
	_, err := unsealRecord(kind, key, value)
	return err
}

func (c *imageCheck) finish() error {
	switch {
	case !c.found:
		return errors.New("has no head")
	case c.count != c.head.count || c.sum != c.head.sum:
		return fmt.Errorf("records are missing: %d are left of %d", c.count, c.head.count)
	case c.chunks != c.head.chunks:
		return fmt.Errorf("packed renewals are missing: %d are left of %d", c.chunks, c.head.chunks)
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
