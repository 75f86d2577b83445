package raftstore

import (
	"bytes"
	"errors"
	"fmt"
)

// imageCheck gathers what the pages of state.db say.
type imageCheck struct {
	mark    mark
	foreign bool // the mark may be another's: a snapshot of another node

	found  bool
	head   imageHead
	count  uint64
	sum    uint64
	chunks uint64
}

func (c *imageCheck) visit(bucket string, key, value []byte) (err error) {
	if bucket == headBucket {
		decode := decodeImageHead
		if c.foreign {
			decode = func(b []byte) (imageHead, error) {
				h, err := decodeImageHead(b)
				h.mark = c.mark
				return h, err
			}
		}
		c.found, c.head, err = openMarked(key, value, c.found, c.mark, decode)
		return err
	}
	if bucket == renewalsBucket {
		return c.chunk(key, value)
	}
	return c.record(bucket, key, value)
}

func (c *imageCheck) chunk(key, value []byte) error {
	if !bytes.Equal(key, chunkKey(c.chunks)) {
		return fmt.Errorf("packed renewals %d are missing", c.chunks)
	}
	_, err := unsealChunk(c.chunks, c.head.generation, value)
	c.chunks++
	return err
}

func (c *imageCheck) record(bucket string, key, value []byte) error {
	kind, ok := parseKind(bucket)
	if !ok {
		return fmt.Errorf("unknown bucket %q", bucket)
	}
	c.count++
	c.sum += recordHash(kind, key, value)
	_, err := unsealRecord(kind, key, value)
	return err
}

func (c *imageCheck) finish() error {
	switch {
	case !c.found:
		return errors.New("has no head")
	case c.count != c.head.count || c.sum != c.head.sum:
		return fmt.Errorf("records are missing: %d are left of %d", c.count, c.head.count)
	case c.chunks != c.head.chunks:
		return fmt.Errorf("packed renewals are missing: %d are left of %d", c.chunks, c.head.chunks)
	}
	return nil
}
