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

// arrival is a snapshot that is to be installed.
type arrival struct {
	source    io.Reader
	index     uint64            // it is of at least that
	clusterID string            // it must be of that, unless ""
	replica   *registry.Replica // an empty one, to load it into
	// restart, unless nil, changes the loaded replica, and the image with it.
	restart func(*registry.Replica)
}

// install puts the image of a snapshot in the place of this one. The old file
// stays until the new one is whole, verified, loaded into the replica and durable
// under the final name. Readers of the file wait while put makes that the replica
// that they come from.
func (m *image) install(a arrival, put func(frameHeader)) error {
	h, err := m.receive(a.source, a.clusterID)
	if err != nil {
		return fmt.Errorf("receive snapshot: %w", err)
	}
	head, err := m.adopt(h, a)
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
func (m *image) adopt(h frameHeader, a arrival) (imageHead, error) {
	temp := m.path + temporary
	check := &imageCheck{mark: m.mark, foreign: true}
	if err := verifyFile(temp, check.visit, check.finish); err != nil {
		return imageHead{}, err
	}
	head := check.head
	head.index, head.renewals = max(head.index, h.Index, a.index), max(head.renewals, a.index)
	err := prepare(temp, &head, a)
	return head, err
}

// prepare loads and marks a file that is not in use yet.
func prepare(path string, head *imageHead, a arrival) error {
	db, err := openDB(path, 0)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := load(db, a.replica); err != nil {
		return err
	}
	return db.Update(func(tx *bolt.Tx) error {
		if err := a.rewrite(&imageWriter{tx: tx, head: head}); err != nil {
			return err
		}
		return tx.Bucket([]byte(headBucket)).Put(headKey, head.encode())
	})
}

// rewrite restarts the loaded replica, and writes what that changes.
func (a *arrival) rewrite(w *imageWriter) error {
	if a.restart == nil {
		return nil
	}
	a.restart(a.replica)
	w.head.index = a.index // the replica's, and not that of before
	c := &capture{index: a.index, renewals: a.replica.Renewals()}
	a.replica.Flush(c.add)
	return w.captures(c)
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
