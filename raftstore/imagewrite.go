package raftstore

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/seed-b4c92e43/rollcall/registry"
	bolt "go.etcd.io/bbolt"
)

// imageWriter writes captures in one transaction and keeps the head in step.
type imageWriter struct {
	tx      *bolt.Tx
	head    *imageHead
	buckets [1 << 8]*bolt.Bucket // by kind, once used
}

// captures writes captures of ascending indexes, the last of which may have
// renewals: of each record the last that is said of it, in the order of keys, so
// that no page is looked for, or written, twice.
func (w *imageWriter) captures(batch ...*capture) error {
	last := batch[len(batch)-1]
	for _, r := range latest(batch) {
		if err := w.record(r); err != nil {
			return err
		}
	}
	w.head.index = max(w.head.index, last.index)
	if last.renewals == nil {
		return nil
	}
	return w.renewals(last)
}

// latest returns the records of captures, sorted, each as the last has it.
func latest(batch []*capture) []*change {
	var all []*change
	for _, c := range batch {
		for i := range c.records {
			all = append(all, &c.records[i])
		}
	}
	slices.SortStableFunc(all, (*change).compare)
	kept := all[:0]
	for i, r := range all {
		if i+1 == len(all) || r.compare(all[i+1]) != 0 {
			kept = append(kept, r)
		}
	}
	return kept
}

func (r *change) compare(o *change) int {
	return cmp.Or(cmp.Compare(r.kind, o.kind), bytes.Compare(r.key, o.key))
}

func (w *imageWriter) record(r *change) error {
	b, err := w.bucket(r.kind)
	if err != nil {
		return err
	}
	if old := b.Get(r.key); old != nil {
		w.head.sum -= recordHash(r.kind, r.key, old)
		w.head.count--
	}
	if r.value == nil {
		return b.Delete(r.key)
	}
	stored := sealRecord(r.kind, r.key, r.value)
	w.head.sum += recordHash(r.kind, r.key, stored)
	w.head.count++
	return b.Put(r.key, stored)
}

func (w *imageWriter) bucket(kind registry.Kind) (b *bolt.Bucket, err error) {
	if w.buckets[kind] == nil {
		w.buckets[kind], err = w.tx.CreateBucketIfNotExists([]byte(kindBucket(kind)))
	}
	return w.buckets[kind], err
}

// renewals puts the packed renewals of a capture in the place of the last ones.
func (w *imageWriter) renewals(c *capture) error {
	b, chunks := w.tx.Bucket([]byte(renewalsBucket)), uint64(0)
	w.head.generation++
	for rest := c.renewals; len(rest) > 0; chunks++ {
		n := min(len(rest), renewalsChunk)
		if err := b.Put(chunkKey(chunks), sealChunk(chunks, w.head.generation, rest[:n])); err != nil {
			return err
		}
		rest = rest[n:]
	}
	for i := chunks; i < w.head.chunks; i++ {
		if err := b.Delete(chunkKey(i)); err != nil {
			return err
		}
	}
	w.head.chunks, w.head.renewals = chunks, c.index
	return nil
}
