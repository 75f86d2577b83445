package raftstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The format of a bbolt file, version 2 (go.etcd.io/bbolt/internal/common).
// bbolt trusts what it reads: with one flipped byte it serves a wrong value,
// loses the newest transaction, walks in a circle or ends the process with a
// fault. So every page in use is checked here before bbolt opens the file.
const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	pageHeaderSize = 16
	elementSize    = 16
	metaSize       = 64 // with its checksum in the last 8 bytes
	bucketHeader   = 16
	flagBranch     = 0x01
	flagLeaf       = 0x02
	flagMeta       = 0x04
	bucketElement  = 0x01
	noFreelist     = ^uint64(0)
	maxDepth       = 64
)

var native = binary.NativeEndian

// visitor is called for every pair of every top-level bucket, in the order of
// bucket names and keys. The slices are only valid during the call.
type visitor func(bucket string, key, value []byte) error

// verifyPages checks the metas and each page in use of a bbolt file of that
// size, and hands every pair to visit.
func verifyPages(r io.ReaderAt, size int64, visit visitor) error {
	m, err := readMetas(r, size)
	if err != nil {
		return err
	}
	w := &pageWalker{r: r, meta: m, seen: make([]uint64, m.limit/64+1), visit: visit}
	return w.tree(m.root, nil)
}

type boltMeta struct {
	pageSize uint32
	root     uint64
	freelist uint64
	limit    uint64 // pages at or above were never used
	txid     uint64
}

// readMetas checks both meta pages and returns the newer. Both must be sound:
// with one of them lost, bbolt falls back to the other and so to the state
// before the last transaction.
func readMetas(r io.ReaderAt, size int64) (boltMeta, error) {
	first, err := readMeta(r, 0)
	if err != nil {
		return boltMeta{}, fmt.Errorf("meta page 0: %w", err)
	}
	second, err := readMeta(r, int64(first.pageSize))
	if err != nil {
		return boltMeta{}, fmt.Errorf("meta page 1: %w", err)
	}
	m, before := first, second
	if second.txid > first.txid {
		m, before = second, first
	}
	// They take turns; only after a copy it may be the newer one's once more.
	if gap := m.txid - before.txid; gap < 1 || gap > 2 || first.pageSize != second.pageSize {
		return boltMeta{}, errors.New("the meta pages contradict each other")
	}
	return m, m.check(size)
}

func (m boltMeta) check(size int64) error {
	pages := uint64(size) / uint64(m.pageSize)
	switch {
	case m.limit > pages:
		return fmt.Errorf("truncated: %d of %d pages are left", pages, m.limit)
	case m.freelist != noFreelist:
		return errors.New("not written by this program: it has a free list")
	case m.root < 2 || m.root >= m.limit:
		return errors.New("the root page is out of bounds")
	}
	return nil
}

func readMeta(r io.ReaderAt, at int64) (boltMeta, error) {
	var page [pageHeaderSize + metaSize]byte
	if _, err := r.ReadAt(page[:], at); err != nil {
		return boltMeta{}, fmt.Errorf("read: %w", err)
	}
	b := page[pageHeaderSize:]
	h := fnv.New64a()
	h.Write(b[:metaSize-8])
	switch {
	case native.Uint32(b) != boltMagic:
		return boltMeta{}, errors.New("not a database")
	case native.Uint32(b[4:]) != boltVersion:
		return boltMeta{}, fmt.Errorf("format version %d", native.Uint32(b[4:]))
	case native.Uint64(b[metaSize-8:]) != h.Sum64():
		return boltMeta{}, errors.New("wrong checksum")
	case native.Uint16(page[8:]) != flagMeta || (native.Uint64(page[:]) == 0) != (at == 0) || native.Uint64(page[:]) > 1:
		return boltMeta{}, errors.New("not a meta page")
	}
	m := boltMeta{
		pageSize: native.Uint32(b[8:]), root: native.Uint64(b[16:]), freelist: native.Uint64(b[32:]),
		limit: native.Uint64(b[40:]), txid: native.Uint64(b[48:]),
	}
	if m.pageSize < 1024 || m.pageSize > 1<<24 || m.pageSize&(m.pageSize-1) != 0 {
		return boltMeta{}, fmt.Errorf("page size %d", m.pageSize)
	}
	return m, nil
}

// pageWalker visits the pages of all trees of one file, each once.
type pageWalker struct {
	r      io.ReaderAt
	meta   boltMeta
	seen   []uint64 // a bit for each page
	visit  visitor
	bucket *string // nil in the tree of buckets
}

// tree walks the tree at root; bucket is nil for the tree of buckets.
func (w *pageWalker) tree(root uint64, bucket *string) error {
	outer := w.bucket
	w.bucket = bucket
	defer func() { w.bucket = outer }()
	return w.page(root, keyRange{}, 0)
}

// keyRange is what keys below a branch element may be: low is the first of them,
// the others are below high (nil: no bound).
type keyRange struct{ low, high []byte }

func (k keyRange) holds(key []byte) bool {
	return (k.low == nil || bytes.Compare(key, k.low) >= 0) && (k.high == nil || bytes.Compare(key, k.high) < 0)
}

func (w *pageWalker) page(id uint64, keys keyRange, depth int) error {
	b, err := w.read(id)
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	switch flags := native.Uint16(b[8:]); {
	case depth > maxDepth:
		return fmt.Errorf("page %d: too deep", id)
	case flags == flagLeaf:
		err = w.leaf(b, keys)
	case flags == flagBranch:
		return w.branch(id, b, keys, depth)
	default:
		err = fmt.Errorf("unknown kind %#x", flags)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

// read returns a page with those that continue it, and marks them as seen.
func (w *pageWalker) read(id uint64) ([]byte, error) {
	if id < 2 || id >= w.meta.limit {
		return nil, errors.New("out of bounds")
	}
	var header [pageHeaderSize]byte
	at := int64(id) * int64(w.meta.pageSize)
	if _, err := w.r.ReadAt(header[:], at); err != nil {
		return nil, err
	}
	if native.Uint64(header[:]) != id {
		return nil, errors.New("says that it is another page")
	}
	more := uint64(native.Uint32(header[12:]))
	if id+more >= w.meta.limit {
		return nil, errors.New("continues out of bounds")
	}
	for p := id; p <= id+more; p++ {
		if w.seen[p/64]&(1<<(p%64)) != 0 {
			return nil, errors.New("is used twice")
		}
		w.seen[p/64] |= 1 << (p % 64)
	}
	b := make([]byte, (more+1)*uint64(w.meta.pageSize))
	_, err := w.r.ReadAt(b, at)
	return b, err
}

func (w *pageWalker) branch(id uint64, b []byte, keys keyRange, depth int) error {
	elements, err := branchElements(b, keys)
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	for i, e := range elements {
		below := keyRange{low: e.key, high: keys.high}
		if i+1 < len(elements) {
			below.high = elements[i+1].key
		}
		if err := w.page(e.child, below, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *pageWalker) leaf(b []byte, keys keyRange) error {
	elements, _, err := leafElements(b, keys)
	if err != nil {
		return err
	}
	return w.pairs(elements)
}

func (w *pageWalker) pairs(elements []leafElement) error {
	for _, e := range elements {
		if err := w.pair(e); err != nil {
			return err
		}
	}
	return nil
}

// pair hands out one pair, or descends into a bucket.
func (w *pageWalker) pair(e leafElement) error {
	switch {
	case w.bucket != nil && e.flags == 0:
		return w.visit(*w.bucket, e.key, e.value)
	case w.bucket != nil || e.flags != bucketElement:
		return errors.New("a bucket where there should be none, or none where there should be one")
	case len(e.value) < bucketHeader:
		return errors.New("a bucket without a header")
	}
	name := string(e.key)
	if root := native.Uint64(e.value); root != 0 {
		if len(e.value) != bucketHeader {
			return errors.New("a bucket with more than a header")
		}
		return w.tree(root, &name)
	}
	return w.inline(name, e.value[bucketHeader:])
}

// inline walks a bucket so small that it lives in its parent's page.
func (w *pageWalker) inline(name string, b []byte) error {
	if len(b) < pageHeaderSize || native.Uint16(b[8:]) != flagLeaf {
		return errors.New("a small bucket that is none")
	}
	w.bucket = &name
	defer func() { w.bucket = nil }()
	elements, end, err := leafElements(b, keyRange{})
	if err != nil {
		return err
	}
	if end != len(b) {
		return errors.New("a small bucket with more than its pairs")
	}
	return w.pairs(elements)
}
