package raftstore

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
	bolt "go.etcd.io/bbolt"
)

const logBucket = "log"

var (
	errGap    = errors.New("entries do not continue the log")
	errMiddle = errors.New("a range in the middle of the log cannot be deleted")
)

// logStore is Raft's log on bbolt: one transaction a batch, sequential keys,
// a checksum on each record, and a head that says what must be there.
//
// It implements raft.LogStore, raft.MonotonicLogStore and raft.StableStore.
type logStore struct {
	db   *bolt.DB
	disk *watchdog

	write turn // held by whoever changes the file

	mu    sync.RWMutex // guards what follows; never held during I/O
	head  logHead      // as it is on disk
	cache logWindow
	idle  map[uint64]struct{} // entries that never reach the state machine

	// appended counts the bytes of all records ever stored by this process and
	// those found at its start beyond the last snapshot.
	appended atomic.Uint64
	grown    func() // called after appended grew; may be nil
	begun    func() // called before entries are stored; may be nil
}

var (
	_ raft.LogStore          = (*logStore)(nil)
	_ raft.MonotonicLogStore = (*logStore)(nil)
	_ raft.StableStore       = (*logStore)(nil)
)

func newLogStore(db *bolt.DB, found *logCheck, disk *watchdog) *logStore {
	s := &logStore{db: db, disk: disk, write: newTurn(), head: found.head, idle: found.idle}
	s.appended.Store(found.bytes)
	return s
}

// IsMonotonic says that the log has no gaps: after it installed a snapshot,
// Raft removes all entries instead of leaving a hole.
func (s *logStore) IsMonotonic() bool { return true }

// FirstIndex returns the index of the first entry, 0 for an empty log.
func (s *logStore) FirstIndex() (uint64, error) {
	first, _ := s.bounds()
	return first, nil
}

// LastIndex returns the index of the last entry, 0 for an empty log.
func (s *logStore) LastIndex() (uint64, error) {
	_, last := s.bounds()
	return last, nil
}

func (s *logStore) bounds() (first, last uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.head.first, s.head.last
}

// GetLog reads one entry, or returns raft.ErrLogNotFound.
func (s *logStore) GetLog(index uint64, l *raft.Log) error {
	if s.cached(index, l) {
		return nil
	}
	if first, last := s.bounds(); index < first || index > last || index == 0 {
		return raft.ErrLogNotFound
	}
	found := false
	err := s.disk.do("log read", func() error {
		return s.db.View(func(tx *bolt.Tx) (err error) {
			found, err = readLog(tx, index, l)
			return err
		})
	})
	if err == nil && !found { // cut off meanwhile: no error of the disk
		return raft.ErrLogNotFound
	}
	return err
}

func (s *logStore) cached(index uint64, l *raft.Log) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.cache.get(index, l)
}

func readLog(tx *bolt.Tx, index uint64, l *raft.Log) (found bool, err error) {
	record := getRecord(tx.Bucket([]byte(logBucket)), index)
	if record == nil {
		return false, nil
	}
	*l, err = decodeLog(index, record)
	return true, err
}

// StoreLog stores one entry.
func (s *logStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs appends entries, which must continue the log without a gap, and
// returns when they are on disk. An empty log may begin anywhere.
func (s *logStore) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	if s.begun != nil {
		s.begun()
	}
	s.write.Lock()
	defer s.write.Unlock()
	head, err := s.extended(logs)
	if err != nil {
		return err
	}
	records, size := encodeLogs(logs)
	err = s.commit("log append", &head, func(tx *bolt.Tx) error {
		return putLogs(tx, logs, records)
	})
	if err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	s.stored(logs, size)
	return nil
}

// extended returns the head after logs, without touching the one in force.
func (s *logStore) extended(logs []*raft.Log) (logHead, error) {
	head := s.snapshotHead()
	next := head.last + 1
	if head.last == 0 {
		next = logs[0].Index
		head.first = next
	}
	for _, l := range logs {
		if l.Index != next || l.Index == 0 {
			return head, fmt.Errorf("%w: entry %d, expected %d", errGap, l.Index, next)
		}
		next++
	}
	head.last = next - 1
	return head, nil
}

func encodeLogs(logs []*raft.Log) (records [][]byte, size uint64) {
	records = make([][]byte, len(logs))
	for i, l := range logs {
		records[i] = encodeLog(l)
		size += uint64(len(records[i]))
	}
	return records, size
}

func putLogs(tx *bolt.Tx, logs []*raft.Log, records [][]byte) error {
	b := tx.Bucket([]byte(logBucket))
	b.FillPercent = 1 // keys only grow: a page never needs room in its middle
	for i, l := range logs {
		if err := putRecord(b, l.Index, records[i]); err != nil {
			return err
		}
	}
	return nil
}

// stored brings memory in step with what is now on disk.
func (s *logStore) stored(logs []*raft.Log, size uint64) {
	s.mu.Lock()
	for _, l := range logs {
		s.cache.push(l)
		s.note(l.Index, l.Type)
	}
	s.mu.Unlock()
	s.appended.Add(size)
	if s.grown != nil {
		s.grown()
	}
}

// note remembers an entry of a type that Raft keeps from the state machine.
func (s *logStore) note(index uint64, t raft.LogType) {
	if t == raft.LogNoop || t == raft.LogBarrier {
		s.idle[index] = struct{}{}
	}
}

// skip returns the highest index from applied on, at most limit, such that all
// entries between are ones that the state machine never sees.
func (s *logStore) skip(applied, limit uint64) uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for applied < limit {
		if _, ok := s.idle[applied+1]; !ok {
			break
		}
		applied++
	}
	return applied
}

// commit runs one transaction and, when it is on disk, puts head in force.
func (s *logStore) commit(op string, head *logHead, change func(*bolt.Tx) error) error {
	err := s.disk.do(op, func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			if err := change(tx); err != nil {
				return err
			}
			failAt(op, "inside")
			return tx.Bucket([]byte(headBucket)).Put(headKey, head.encode())
		})
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.head = *head
	s.mu.Unlock()
	return nil
}

func (s *logStore) snapshotHead() logHead {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.head
}

// unmap lets go of the pages that were read.
func (s *logStore) unmap() error { return s.db.View(unmap) }

func (s *logStore) close() error { return s.db.Close() }
