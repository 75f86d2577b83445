package raftstore

import (
	"fmt"
	"io"
	"os"

	"github.com/seed-b4c92e43/rollcall/registry"
	bolt "go.etcd.io/bbolt"
)

// install puts the image of a snapshot in the place of this one. The old file
// stays until the new one is whole, verified, loaded into r and durable under
// the final name. index is at least what the snapshot is of.
func (m *image) install(source io.Reader, index uint64, clusterID string, r *registry.Replica) (frameHeader, error) {
	var h frameHeader
	err := m.disk.doBehind("install snapshot", func() (err error) {
		h, err = receive(source, m.path+temporary, clusterID)
		if err != nil {
			return err
		}
		return m.adopt(h, index, r)
	})
	if err != nil {
		return h, fmt.Errorf("install snapshot: %w", err)
	}
	return h, nil
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

// adopt verifies the received file, marks it as this node's, loads it and puts
// it in the place of the present one.
func (m *image) adopt(h frameHeader, index uint64, r *registry.Replica) error {
	temp := m.path + temporary
	check := &imageCheck{mark: m.mark, foreign: true}
	if err := verifyFile(temp, check.visit, check.finish); err != nil {
		return err
	}
	head := check.head
	head.index, head.renewals = max(head.index, h.Index, index), max(head.renewals, index)
	if err := prepare(temp, head, r); err != nil {
		return err
	}
	return m.swap(temp, head)
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

// swap gives the file at temp the name of the present one and opens it. The
// old one closes when its last reader ends.
func (m *image) swap(temp string, head imageHead) error {
	m.write.Lock()
	defer m.write.Unlock()
	m.queue.drop()
	if err := moveInto(temp, m.path); err != nil {
		return err
	}
	db, err := openDB(m.path, imageMapping)
	if err != nil {
		return err
	}
	old := m.db
	m.db = db
	m.setHead(head)
	return old.Close()
}
