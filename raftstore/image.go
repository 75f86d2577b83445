package raftstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/seed-b4c92e43/rollcall/registry"
	bolt "go.etcd.io/bbolt"
)

// image is state.db: the durable image of the state machine. What changed is
// captured under the lock of the state machine and queued; whoever drains the
// queue writes it in order, in one transaction up to each fence.
type image struct {
	path string
	disk *watchdog
	mark mark

	// write is held by whoever changes the file or puts another in its place.
	// It guards db and head.
	write sync.Mutex
	db    *bolt.DB
	head  imageHead
	// swapping is held while another db and its replica take the place of these,
	// too: so readers need not wait for who writes, and whoever was sent by the old
	// replica finds its file, or the new replica in place as well.
	swapping sync.RWMutex
	// index and size are copies for readers: of head.index, of the bytes in use.
	index, size atomic.Uint64

	queue captures
}

// capture is what a Flush of the registry handed out at one index.
type capture struct {
	index   uint64
	records []change
	size    int                   // bytes of keys and values
	mail    map[mailRecord][]byte // those of records that readers ask for
	// packed renewals of the same index; nil if none were captured.
	renewals []byte
	fence    *fence // a reader of exactly this point, or nil
}

type change struct {
	kind       registry.Kind
	key, value []byte // value nil: the record is gone
}

// mailRecord names a body, or a reason.
type mailRecord struct {
	kind registry.Kind
	key  registry.BodyKey
}

// add takes a record that a Flush hands out.
func (c *capture) add(kind registry.Kind, key, value []byte) {
	c.records = append(c.records, change{kind, key, value})
	c.size += len(key) + len(value)
	if kind == registry.KindBody || kind == registry.KindReason {
		if c.mail == nil {
			c.mail = make(map[mailRecord][]byte)
		}
		c.mail[mailRecord{kind, registry.BodyKey(key)}] = value
	}
}

func newImage(path string, db *bolt.DB, head imageHead, disk *watchdog) *image {
	m := &image{path: path, disk: disk, mark: head.mark, db: db}
	m.setHead(head)
	return m
}

func (m *image) setHead(h imageHead) {
	m.head = h
	m.index.Store(h.index)
}

// drain writes all that is queued. It returns when it is on disk.
func (m *image) drain() error {
	m.write.Lock()
	defer m.write.Unlock()
	for {
		batch := m.queue.take()
		if len(batch) == 0 {
			return nil
		}
		err := m.commit(batch)
		m.queue.done(err)
		if err != nil {
			return fmt.Errorf("write %s: %w", imageName, err)
		}
		if f := batch[len(batch)-1].fence; f != nil {
			f.open(m.db)
		}
	}
}

// commit writes captures in one transaction.
func (m *image) commit(batch []*capture) error {
	head := m.head
	err := m.disk.doBehind("image write", func() error {
		return m.db.Update(func(tx *bolt.Tx) error {
			w := imageWriter{tx: tx, head: &head}
			if err := w.captures(batch...); err != nil {
				return err
			}
			m.size.Store(uint64(tx.Size()))
			failAt("image write", "inside")
			return tx.Bucket([]byte(headBucket)).Put(headKey, head.encode())
		})
	})
	if err == nil {
		m.setHead(head)
	}
	return err
}

// dir is the directory of the file.
func (m *image) dir() string { return filepath.Dir(m.path) }

// unmap lets go of the pages that were read.
func (m *image) unmap() error {
	tx, err := m.begin()
	if err != nil {
		return err
	}
	return errors.Join(unmap(tx), tx.Rollback())
}

func (m *image) close() error {
	m.write.Lock()
	defer m.write.Unlock()
	return m.db.Close()
}

// renewalsIndex returns the index that the packed renewals cover.
func (m *image) renewalsIndex() uint64 {
	m.write.Lock()
	defer m.write.Unlock()
	return m.head.renewals
}
