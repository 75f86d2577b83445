package raftstore

import (
	"fmt"
	"math"

	bolt "go.etcd.io/bbolt"
)

// deleteChunk bounds how many pieces of entries one transaction deletes at the
// front of the log, so that appends need not wait for long while it is cut.
const deleteChunk = 1024

// DeleteRange deletes the entries from low to high, which must reach one end
// of the log (or both).
func (s *logStore) DeleteRange(low, high uint64) error {
	first, last := s.bounds()
	low, high = max(low, first), min(high, last)
	switch {
	case last == 0 || low > high:
		return nil
	case low == first && high == last:
		return s.clear(high)
	case high == last:
		return s.cutBack(low)
	case low == first:
		return s.cutFront(high)
	}
	return fmt.Errorf("%w: %d to %d of %d to %d", errMiddle, low, high, first, last)
}

// clear removes every entry, of which high is the last.
func (s *logStore) clear(high uint64) error {
	if done, err := s.clearAll(high); done || err != nil {
		return err
	}
	return s.cutFront(high) // an append came in between
}

func (s *logStore) clearAll(high uint64) (done bool, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	head := s.snapshotHead()
	if head.last != high {
		return false, nil
	}
	head.first, head.last = 0, 0
	if err := s.commit("log clear", &head, emptyLog); err != nil {
		return false, fmt.Errorf("clear the log: %w", err)
	}
	s.forget(0)
	return true, nil
}

func emptyLog(tx *bolt.Tx) error {
	if err := tx.DeleteBucket([]byte(logBucket)); err != nil {
		return err
	}
	_, err := tx.CreateBucket([]byte(logBucket))
	return err
}

// cutBack removes the entries from low on.
func (s *logStore) cutBack(low uint64) error {
	s.write.Lock()
	defer s.write.Unlock()
	head := s.snapshotHead()
	high := head.last
	head.last = low - 1
	err := s.commit("log cut", &head, func(tx *bolt.Tx) error {
		_, err := deleteRecords(tx.Bucket([]byte(logBucket)), low, high, math.MaxInt)
		return err
	})
	if err != nil {
		return fmt.Errorf("cut the end of the log: %w", err)
	}
	s.forget(low)
	return nil
}

// cutFront removes the entries up to high, some at a time.
func (s *logStore) cutFront(high uint64) error {
	for {
		done, err := s.cutFrontChunk(high)
		if err != nil {
			return fmt.Errorf("cut the front of the log: %w", err)
		}
		if done {
			return nil
		}
	}
}

func (s *logStore) cutFrontChunk(high uint64) (done bool, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	head := s.snapshotHead()
	if head.last <= high || head.first > high { // the log was changed meanwhile
		return true, nil
	}
	err = s.commit("log cut", &head, func(tx *bolt.Tx) error {
		until, err := deleteRecords(tx.Bucket([]byte(logBucket)), head.first, high, deleteChunk)
		head.first = until + 1
		return err
	})
	if err == nil {
		s.forgetBefore(head.first)
	}
	return head.first > high, err
}

// forget drops what memory knows of the entries from low on.
func (s *logStore) forget(low uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache.cutBack(low)
	for i := range s.idle {
		if i >= low {
			delete(s.idle, i)
		}
	}
}

// forgetBefore drops what memory knows of the entries below first.
func (s *logStore) forgetBefore(first uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache.cutFront(first)
	for i := range s.idle {
		if i < first {
			delete(s.idle, i)
		}
	}
}
