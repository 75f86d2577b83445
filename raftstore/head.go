package raftstore

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// Each database has one head record, rewritten in every transaction that
// changes what it counts. It marks the file as this node's and says what else
// must be there, so that a part that went missing is noticed.
const (
	headBucket  = "head"
	headVersion = 1
)

var headKey = []byte("head")

// mark says whose file it is.
type mark struct{ node, incarnation string }

// owner lets heads be asked whose they are.
func (m mark) owner() mark { return m }

func (m mark) append(dst []byte) []byte {
	return appendString(appendString(dst, m.node), m.incarnation)
}

func (r *reader) mark() mark { return mark{node: r.string(), incarnation: r.string()} }

// logHead is the head of raft.db.
type logHead struct {
	mark
	first, last uint64 // of the log; both 0 when it is empty
	// stable is Raft's own few values (term and vote). They live here rather
	// than one a record, so that none can be missed.
	stable map[string][]byte
}

func (h *logHead) encode() []byte {
	b := h.mark.append([]byte{headVersion})
	b = binary.BigEndian.AppendUint64(b, h.first)
	b = binary.BigEndian.AppendUint64(b, h.last)
	b = binary.AppendUvarint(b, uint64(len(h.stable)))
	for _, key := range slices.Sorted(maps.Keys(h.stable)) {
		b = appendString(b, key)
		b = appendString(b, string(h.stable[key]))
	}
	return seal(headKey, b)
}

func decodeLogHead(record []byte) (logHead, error) {
	r, err := openHead(record)
	if err != nil {
		return logHead{}, err
	}
	h := logHead{mark: r.mark(), first: r.uint64(), last: r.uint64(), stable: make(map[string][]byte)}
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		key := r.string()
		h.stable[key] = []byte(r.string())
	}
	return h, r.done()
}

// imageHead is the head of state.db.
type imageHead struct {
	mark
	index uint64 // of the last entry whose changes are in the records
	count uint64 // of records
	sum   uint64 // of the records' hashes, modulo 2^64
	// renewals is the index that the packed renewals cover, chunks the number
	// of pieces in which they are kept, and generation how often they were
	// written: each piece names its own.
	renewals, chunks, generation uint64
}

func (h *imageHead) encode() []byte {
	b := h.mark.append([]byte{headVersion})
	for _, v := range [...]uint64{h.index, h.count, h.sum, h.renewals, h.chunks, h.generation} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return seal(headKey, b)
}

func decodeImageHead(record []byte) (imageHead, error) {
	r, err := openHead(record)
	if err != nil {
		return imageHead{}, err
	}
	h := imageHead{
		mark: r.mark(), index: r.uint64(), count: r.uint64(), sum: r.uint64(),
		renewals: r.uint64(), chunks: r.uint64(), generation: r.uint64(),
	}
	return h, r.done()
}

func openHead(record []byte) (*reader, error) {
	b, err := unseal(headKey, record)
	if err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	r := &reader{b: b}
	if v := r.byte(); v != headVersion {
		return nil, fmt.Errorf("head: format version %d is not known to this program", v)
	}
	return r, nil
}
