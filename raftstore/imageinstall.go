package raftstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/seed-b4c92e43/rollcall/registry"
	bolt "go.etcd.io/bbolt"
)

// install puts the image of a snapshot in the place of this one. The old file
// stays until the new one is whole, verified, loaded into r and durable under
// the final name. index is at least what the snapshot is of. Readers of the file
// wait while put makes r the replica that they come from.
func (m *image) install(source io.Reader, index uint64, clusterID string, r *registry.Replica, put func(frameHeader)) error {
	h, err := m.receive(source, clusterID)
	if err != nil {
		return fmt.Errorf("receive snapshot: %w", err)
	}
	head, err := m.adopt(h, index, r)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	failAt("install snapshot", "adopted")
	err = m.disk.doBehind("install snapshot", func() error {
		old, err := m.swap(head, func() { put(h) })
		if err != nil {
			return err
		}
		return old.Close() // when its last reader ends
	})
	if err != nil {
		return fmt.Errorf("install snapshot: %w", err)
	}
	return nil
}

// receive writes the copy of state.db in a stream beside this one, synced. A
// stream that is no good is no error of the disk.
func (m *image) receive(source io.Reader, clusterID string) (h frameHeader, err error) {
	failed := m.disk.doBehind("receive snapshot", func() error {
		h, err = receive(source, m.path+temporary, clusterID)
		if _, ok := errors.AsType[*fs.PathError](err); ok {
			return err
		}
		return nil
	})
	if err == nil {
		err = failed
	}
	return h, err
}

// receive writes the copy of state.db in a stream to path, synced.
func receive(source io.Reader, path, clusterID string) (frameHeader, error) {
	h, err := readHeader(source)
	if err != nil {
		return h, err
	}
	if clusterID != "" && h.ClusterID != "" && h.ClusterID != clusterID {
		return h, fmt.Errorf("it is of cluster %s, not of %s", h.ClusterID, clusterID)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return h, err
	}
	defer f.Close()
	if err := readFrame(source, h, f); err != nil {
		return h, err
	}
	return h, f.Sync()
}

// adopt verifies the received file, marks it as this node's and loads it. It
// returns its head.
func (m *image) adopt(h frameHeader, index uint64, r *registry.Replica) (imageHead, error) {
	temp := m.path + temporary
	check := &imageCheck{mark: m.mark, foreign: true}
	if err := verifyFile(temp, check.visit, check.finish); err != nil {
		return imageHead{}, err
	}
	head := check.head
	head.index, head.renewals = max(head.index, h.Index, index), max(head.renewals, index)
	return head, prepare(temp, head, r)
}

// prepare marks and loads a file that is not in use yet.
func prepare(path string, head imageHead, r *registry.Replica) error {
	db, err := openDB(path, 0)
	if err != nil {
		return err
	}
	defer db.Close()
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(headBucket)).Put(headKey, head.encode())
	})
	if err != nil {
		return err
	}
	return load(db, r)
}

// swap gives the received file the name of the present one, opens it and puts
// the replica in place that belongs to it. It returns the old one.
func (m *image) swap(head imageHead, put func()) (old *bolt.DB, err error) {
	m.write.Lock()
	defer m.write.Unlock()
	m.swapping.Lock()
	defer m.swapping.Unlock()
	m.queue.drop()
	if err := moveInto(m.path+temporary, m.path); err != nil {
		return nil, err
	}
	failAt("install snapshot", "inside")
	db, err := openDB(m.path, imageMapping)
	if err != nil {
		return nil, err
	}
	old, m.db = m.db, db
	m.setHead(head)
	put()
	return old, nil
}
