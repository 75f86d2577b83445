package raftstore

import (
	"encoding/binary"
	"fmt"
	"maps"

	bolt "go.etcd.io/bbolt"
)

// keyCurrentTerm is where hashicorp/raft keeps its term.
const keyCurrentTerm = "CurrentTerm"

// Set stores one of Raft's own values.
func (s *logStore) Set(key, value []byte) error {
	s.write.Lock()
	defer s.write.Unlock()
	head := s.snapshotHead()
	head.stable = maps.Clone(head.stable)
	head.stable[string(key)] = append([]byte(nil), value...)
	err := s.commit("stable store", &head, func(*bolt.Tx) error { return nil })
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	return nil
}

// Get returns one of Raft's own values, empty if it was never set.
func (s *logStore) Get(key []byte) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]byte(nil), s.head.stable[string(key)]...), nil
}

// SetUint64 stores a number; it does not touch the disk if it is there already
// (Raft stores its term anew at every start).
func (s *logStore) SetUint64(key []byte, v uint64) error {
	if old, err := s.GetUint64(key); err == nil && old == v {
		return nil
	}
	return s.Set(key, binary.BigEndian.AppendUint64(nil, v))
}

// GetUint64 returns a number, 0 if it was never set.
func (s *logStore) GetUint64(key []byte) (uint64, error) {
	b, _ := s.Get(key)
	switch len(b) {
	case 0:
		return 0, nil
	case 8:
		return binary.BigEndian.Uint64(b), nil
	}
	return 0, fmt.Errorf("%s is not a number: %w", key, errCorrupt)
}

// halfFounded says that Raft has noted the term in which it founds, and nothing
// else.
func (s *logStore) halfFounded() bool {
	head := s.snapshotHead()
	term, err := s.GetUint64([]byte(keyCurrentTerm))
	return head.last == 0 && len(head.stable) == 1 && term == 1 && err == nil
}
