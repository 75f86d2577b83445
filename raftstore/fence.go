package raftstore

import (
	"sync"

	bolt "go.etcd.io/bbolt"
)

// fence is a reader of the image at exactly the point of one capture: a
// snapshot of Raft's index 7 must not hold anything of entry 8.
type fence struct {
	backup bool // the snapshot is to be a backup

	mu       sync.Mutex
	tx       *bolt.Tx
	err      error
	released bool
}

// open begins the reader, right after the capture was written.
func (f *fence) open(db *bolt.DB) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.released {
		f.tx, f.err = db.Begin(false)
	}
}

func (f *fence) fail(err error) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fence) reader() (*bolt.Tx, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tx, f.err
}

// release ends the reader, or prevents it from beginning.
func (f *fence) release() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.released = true
	if f.tx == nil {
		return nil
	}
	tx := f.tx
	f.tx = nil
	return tx.Rollback()
}
