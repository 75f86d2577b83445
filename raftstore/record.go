package raftstore

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Record returns a record of the durable image by which the registry does not
// stand in memory: a body, or the reason of a nack. It is false for one that
// is no more. The value is the caller's to read, not to change. The error is
// ErrClosed, or that of the disk, which is this node's end.
func (s *Store) Record(kind registry.Kind, key []byte) (value []byte, ok bool, err error) {
	if len(key) != len(registry.BodyKey{}) {
		return nil, false, nil
	}
	value, err = s.machine.record(kind, registry.BodyKey(key))
	return value, value != nil, err
}

// record looks where a record goes, in that order: it cannot be missed on its
// way from the replica to the queue and on to the file. nil: there is none.
func (m *machine) record(kind registry.Kind, key registry.BodyKey) (value []byte, err error) {
	known := false
	m.view(func(r *registry.Replica, _ time.Duration) { value, known = r.Record(kind, key[:]) })
	if !known {
		value, known = m.image.queue.find(kind, key)
	}
	if known {
		return value, nil
	}
	return m.image.record(kind, key[:])
}

// record reads one record from the file.
func (m *image) record(kind registry.Kind, key []byte) (value []byte, err error) {
	tx, err := m.begin()
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // a reader has nothing to lose
	err = m.disk.doBehind("image read", func() error {
		return guard(func() error {
			value, err = readRecord(tx, kind, key)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", imageName, err)
	}
	return value, nil
}

// begin begins a reader of the file that is in place now.
func (m *image) begin() (*bolt.Tx, error) {
	m.swapping.RLock()
	defer m.swapping.RUnlock()
	tx, err := m.db.Begin(false)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return nil, ErrClosed
	}
	return tx, err
}

// readRecord returns a copy of a record, nil if there is none.
func readRecord(tx *bolt.Tx, kind registry.Kind, key []byte) ([]byte, error) {
	b := tx.Bucket([]byte(kindBucket(kind)))
	if b == nil {
		return nil, nil
	}
	stored := b.Get(key)
	if stored == nil {
		return nil, nil
	}
	value, err := unsealRecord(kind, key, stored)
	return bytes.Clone(value), err
}
