package raftstore

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// logCheck gathers what the pages of raft.db say.
type logCheck struct {
	mark     mark
	snapshot uint64 // index of the newest snapshot

	found    bool
	head     logHead
	next     uint64 // index expected
	record   []byte // of the entry being read
	pieces   uint32 // of it so far
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

// entry takes one piece of an entry.
func (c *logCheck) entry(key, piece []byte) error {
	if !c.follows(key) {
		return fmt.Errorf("entry %d of %d to %d is missing, or a part of it", c.next, c.head.first, c.head.last)
	}
	c.record = append(c.record, piece...)
	c.pieces++
	if len(piece) == logPiece {
		return nil
	}
	err := c.complete(c.record)
	c.record, c.pieces = c.record[:0], 0
	return err
}

// follows says whether a piece of that key is the next.
func (c *logCheck) follows(key []byte) bool {
	return c.next <= c.head.last && bytes.Equal(key, pieceKey(c.next, c.pieces))
}

// complete takes the whole record of the next entry.
func (c *logCheck) complete(record []byte) error {
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
	case c.pieces > 0:
		return fmt.Errorf("the end of entry %d is missing", c.next)
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

// term returns Raft's current term.
func (c *logCheck) term() uint64 {
	s := logStore{head: c.head}
	term, _ := s.GetUint64([]byte(keyCurrentTerm))
	return term
}
