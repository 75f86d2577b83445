package raftstore

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
	bolt "go.etcd.io/bbolt"
)

// large makes an entry of so many pieces and a few bytes.
func large(index uint64, pieces int) *raft.Log {
	l := command(index, 1)
	l.Data = make([]byte, pieces*logPiece)
	for i := range l.Data {
		l.Data[i] = byte(i % 251)
	}
	return l
}

// TestALostPieceIsNoticed: without any one of its pieces an entry is refused at
// the next start, and cannot be read.
func TestALostPieceIsNoticed(t *testing.T) {
	for piece := range uint32(4) {
		t.Run(fmt.Sprint(piece), func(t *testing.T) {
			dir := t.TempDir()
			s := openLog(t, dir)
			must(t, s.StoreLogs([]*raft.Log{command(4, 1), large(5, 3), command(6, 1)}))
			must(t, s.db.Update(func(tx *bolt.Tx) error {
				return tx.Bucket([]byte(logBucket)).Delete(pieceKey(5, piece))
			}))
			s.cache = logWindow{}
			if err := s.GetLog(5, new(raft.Log)); err == nil {
				t.Error("an entry without a piece was read")
			}
			must(t, s.close())
			check := &logCheck{mark: s.head.mark, idle: make(map[uint64]struct{})}
			if err := verifyFile(filepath.Join(dir, logName), check.visit, check.finish); err == nil {
				t.Error("a log without a piece was opened")
			}
		})
	}
}

// TestCuttingIsBoundedByPieces: large entries leave in several transactions,
// none cut in two, and nothing of them stays behind.
func TestCuttingIsBoundedByPieces(t *testing.T) {
	s := openLog(t, t.TempDir())
	const entries, pieces = 60, 40
	for i := range uint64(entries) {
		must(t, s.StoreLog(large(i+1, pieces)))
	}
	done, err := s.cutFrontChunk(entries - 1)
	must(t, err)
	if first := s.head.first; done || first < deleteChunk/(pieces+1) || first > deleteChunk/pieces+2 {
		t.Fatalf("one transaction cut up to %d of %d entries of %d pieces, done %v", first, entries, pieces+1, done)
	}
	must(t, s.DeleteRange(1, entries-1))
	left := 0
	must(t, s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(logBucket)).ForEach(func(_, _ []byte) error { left++; return nil })
	}))
	if left != pieces+1 {
		t.Errorf("%d pieces are left, want those of the last entry, %d", left, pieces+1)
	}
}

// TestLargeEntriesAreWrittenOnce: a log of large entries does not write what it
// holds already. bbolt counts the bytes that it writes.
func TestLargeEntriesAreWrittenOnce(t *testing.T) {
	s := openLog(t, t.TempDir())
	const entries, pieces = 50, 16
	before := pageBytes(s)
	for i := range uint64(entries) {
		must(t, s.StoreLog(large(i+1, pieces)))
	}
	written := pageBytes(s) - before
	if most := int64(entries * pieces * logPiece * 3 / 2); written > most {
		t.Errorf("%d bytes were written for %d", written, entries*pieces*logPiece)
	}
}

func pageBytes(s *logStore) int64 {
	stats := s.db.Stats().TxStats
	return stats.GetPageAlloc()
}
