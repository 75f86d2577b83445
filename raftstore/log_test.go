package raftstore

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func command(index, term uint64) *raft.Log {
	return &raft.Log{
		Index: index, Term: term, Type: raft.LogCommand, Data: someData(index),
		AppendedAt: time.Unix(1_700_000_000, int64(index)),
	}
}

// someData is short, or such that the record just fills a piece, or two, or
// does not quite.
func someData(index uint64) []byte {
	data := fmt.Appendf(nil, "data of %d", index)
	if record := []int{logPiece - 1, logPiece, 2 * logPiece, 2*logPiece + 1}; index%16 < 4 {
		data = append(data, make([]byte, record[index%16]-logRecordOverhead-len(data))...)
	}
	return data
}

func commands(from, to uint64) []*raft.Log {
	var list []*raft.Log
	for i := from; i <= to; i++ {
		list = append(list, command(i, 1+i/10))
	}
	return list
}

// What hashicorp/raft expects of a log store (log.go, and where it calls it),
// one expectation a row. Each runs on a store that is then closed and opened
// again: what it says must be the same.
var logExpectations = []struct {
	expect      string
	do          func(*logStore) error
	first, last uint64
	fails       bool
}{
	{expect: "an empty log has index 0 at both ends", do: func(*logStore) error { return nil }},
	{
		expect: "entries are stored in batches", first: 1, last: 20,
		do: func(s *logStore) error {
			return errors.Join(s.StoreLogs(commands(1, 5)), s.StoreLog(command(6, 1)), s.StoreLogs(commands(7, 20)))
		},
	},
	{expect: "no entries are no error", do: func(s *logStore) error { return s.StoreLogs(nil) }},
	{
		expect: "an empty log may begin anywhere (after a snapshot)", first: 100, last: 110,
		do: func(s *logStore) error { return s.StoreLogs(commands(100, 110)) },
	},
	{
		expect: "a gap is refused (MonotonicLogStore)", first: 1, last: 3, fails: true,
		do: func(s *logStore) error { return errors.Join(s.StoreLogs(commands(1, 3)), s.StoreLog(command(5, 1))) },
	},
	{
		expect: "a gap within a batch is refused as a whole", first: 1, last: 3, fails: true,
		do: func(s *logStore) error {
			return errors.Join(s.StoreLogs(commands(1, 3)), s.StoreLogs([]*raft.Log{command(4, 1), command(6, 1)}))
		},
	},
	{
		expect: "an entry is not overwritten: Raft deletes it first", first: 1, last: 3, fails: true,
		do: func(s *logStore) error { return errors.Join(s.StoreLogs(commands(1, 3)), s.StoreLog(command(3, 9))) },
	},
	{
		expect: "the front is cut after a snapshot", first: 2001, last: 3000,
		do: func(s *logStore) error {
			return errors.Join(s.StoreLogs(commands(1, 3000)), s.DeleteRange(1, 2000))
		},
	},
	{
		expect: "the end is cut where it conflicts, and written anew", first: 1, last: 8,
		do: func(s *logStore) error {
			return errors.Join(s.StoreLogs(commands(1, 20)), s.DeleteRange(6, 20), s.StoreLogs(commands(6, 8)))
		},
	},
	{
		expect: "everything is cut after an installation, and the log goes on elsewhere", first: 51, last: 60,
		do: func(s *logStore) error {
			return errors.Join(s.StoreLogs(commands(1, 20)), s.DeleteRange(1, 20), s.StoreLogs(commands(51, 60)))
		},
	},
	{
		expect: "a range beyond the ends is what it covers", first: 11, last: 20,
		do: func(s *logStore) error { return errors.Join(s.StoreLogs(commands(5, 20)), s.DeleteRange(1, 10)) },
	},
	{
		expect: "a range that covers nothing is no error", first: 5, last: 9,
		do: func(s *logStore) error {
			return errors.Join(s.StoreLogs(commands(5, 9)), s.DeleteRange(1, 4), s.DeleteRange(10, 20), s.DeleteRange(7, 6))
		},
	},
	{
		expect: "a hole is refused", first: 1, last: 9, fails: true,
		do: func(s *logStore) error { return errors.Join(s.StoreLogs(commands(1, 9)), s.DeleteRange(4, 6)) },
	},
}

// openLog opens raft.db alone, as OpenDir does, without asking whether the
// other files fit.
func openLog(t testing.TB, dir string) *logStore {
	t.Helper()
	path := filepath.Join(dir, logName)
	head := logHead{mark: mark{"n1", "x"}}
	must(t, createDB(path, head.encode(), logBucket))
	check := &logCheck{mark: head.mark, idle: make(map[uint64]struct{})}
	must(t, verifyFile(path, check.visit, check.finish))
	db, err := openDB(path, 0)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return newLogStore(db, check, newWatchdog())
}

func TestLogStoreDoesWhatRaftExpects(t *testing.T) {
	for _, e := range logExpectations {
		t.Run(e.expect, func(t *testing.T) {
			path := t.TempDir()
			s := openLog(t, path)
			if err := e.do(s); (err != nil) != e.fails {
				t.Fatalf("error %v, want one: %v", err, e.fails)
			}
			checkLog(t, s, e.first, e.last)
			must(t, s.close())
			checkLog(t, openLog(t, path), e.first, e.last)
		})
	}
}

// checkLog asserts the bounds and every entry, and that there is none beyond.
func checkLog(t *testing.T, s *logStore, first, last uint64) {
	t.Helper()
	f, err1 := s.FirstIndex()
	l, err2 := s.LastIndex()
	if err := errors.Join(err1, err2); err != nil || f != first || l != last {
		t.Fatalf("log is %d to %d (%v), want %d to %d", f, l, err, first, last)
	}
	for i := first; i <= last && i > 0; i++ {
		var got raft.Log
		must(t, s.GetLog(i, &got))
		want := command(i, 1+i/10)
		if got.Index != i || got.Type != want.Type || !bytes.Equal(got.Data, want.Data) || !got.AppendedAt.Equal(want.AppendedAt) {
			t.Fatalf("entry %d is %+v", i, got)
		}
	}
	for _, i := range []uint64{0, first - 1, last + 1} {
		if i >= first && i <= last && last > 0 {
			continue
		}
		if err := s.GetLog(i, new(raft.Log)); !errors.Is(err, raft.ErrLogNotFound) || err != raft.ErrLogNotFound {
			t.Fatalf("entry %d: %v, want raft.ErrLogNotFound itself", i, err)
		}
	}
}

func TestStableStoreDoesWhatRaftExpects(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	s := d.log
	if v, err := s.Get([]byte("none")); err != nil || len(v) != 0 {
		t.Fatalf("a key never set: %q, %v", v, err)
	}
	if v, err := s.GetUint64([]byte("none")); err != nil || v != 0 {
		t.Fatalf("a number never set: %d, %v", v, err)
	}
	must(t, s.Set([]byte("LastVoteCand"), []byte("n2")))
	must(t, s.Set([]byte("LastVoteCand"), []byte("n3")))
	must(t, s.SetUint64([]byte("CurrentTerm"), 7))
	must(t, s.StoreLogs(commands(1, 3)))
	must(t, d.Close())

	s = openDir(t, path).log
	if v, _ := s.Get([]byte("LastVoteCand")); string(v) != "n3" {
		t.Fatalf("vote is %q", v)
	}
	if v, _ := s.GetUint64([]byte("CurrentTerm")); v != 7 {
		t.Fatalf("term is %d", v)
	}
	if _, err := s.GetUint64([]byte("LastVoteCand")); err == nil {
		t.Fatal("read a name as a number")
	}
}

// TestLogStoreLikeModel does the same random things to the store and to Raft's
// own in-memory one.
func TestLogStoreLikeModel(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			path := t.TempDir()
			s := openLog(t, path)
			model := raft.NewInmemStore()
			for range 60 {
				if rng.IntN(10) == 0 {
					must(t, s.close())
					s = openLog(t, path)
				}
				randomStep(t, rng, s, model)
				compareLogs(t, s, model)
			}
		})
	}
}

func randomStep(t *testing.T, rng *rand.Rand, s *logStore, model *raft.InmemStore) {
	first, _ := model.FirstIndex()
	last, _ := model.LastIndex()
	n := uint64(1 + rng.IntN(40))
	var low, high uint64
	switch rng.IntN(4) {
	case 0, 1:
		logs := commands(last+1, last+n)
		must(t, errors.Join(s.StoreLogs(logs), model.StoreLogs(logs)))
		return
	case 2:
		low, high = first, min(last, first+n)
	case 3:
		low, high = max(first, last-min(last, n)), last
	}
	if last == 0 || (low == first && high == last && rng.IntN(3) > 0) {
		return // clear it only now and then
	}
	must(t, errors.Join(s.DeleteRange(low, high), model.DeleteRange(low, high)))
}

func compareLogs(t *testing.T, s *logStore, model *raft.InmemStore) {
	t.Helper()
	first, _ := model.FirstIndex()
	last, _ := model.LastIndex()
	if first > last {
		first, last = 0, 0 // how the model says that it is empty
	}
	if f, l := s.bounds(); f != first || l != last {
		t.Fatalf("log is %d to %d, the model's %d to %d", f, l, first, last)
	}
	for i := first; i <= last && i > 0; i++ {
		var a, b raft.Log
		must(t, errors.Join(s.GetLog(i, &a), model.GetLog(i, &b)))
		if a.Index != b.Index || a.Term != b.Term || !bytes.Equal(a.Data, b.Data) {
			t.Fatalf("entry %d: %+v, the model's %+v", i, a, b)
		}
	}
}

func TestLogWindowIsBounded(t *testing.T) {
	var w logWindow
	for i := uint64(1); i <= 3*windowEntries; i++ {
		w.push(command(i, 1))
	}
	if len(w.entries) > windowEntries {
		t.Fatalf("%d entries", len(w.entries))
	}
	big := &raft.Log{Index: 3*windowEntries + 1, Data: make([]byte, windowBytes)}
	w.push(big)
	if len(w.entries) != 1 || w.bytes > windowBytes {
		t.Fatalf("%d entries of %d bytes beside one that fills the window", len(w.entries), w.bytes)
	}
	var got raft.Log
	if !w.get(big.Index, &got) || w.get(big.Index-1, &got) || w.get(big.Index+1, &got) {
		t.Fatal("the window does not know what it holds")
	}
}

// TestReadsFromDisk reads entries that have left the window.
func TestReadsFromDisk(t *testing.T) {
	d := openDir(t, t.TempDir())
	must(t, d.log.StoreLogs(commands(1, windowEntries+50)))
	checkLog(t, d.log, 1, windowEntries+50)
}

func FuzzDecodeLog(f *testing.F) {
	f.Add(uint64(3), encodeLog(command(3, 2)))
	f.Add(uint64(3), encodeLog(&raft.Log{Index: 3, Type: raft.LogNoop, Extensions: []byte("x")}))
	f.Add(uint64(0), []byte{})
	f.Fuzz(func(t *testing.T, index uint64, b []byte) {
		l, err := decodeLog(index, b)
		if err != nil {
			return
		}
		if again := encodeLog(&l); !bytes.Equal(again, b) {
			t.Fatalf("%x was read as %+v, which is %x", b, l, again)
		}
	})
}
