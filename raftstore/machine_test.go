package raftstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// newMachine returns a state machine on a new image, without Raft.
func newMachine(t testing.TB) *machine {
	t.Helper()
	d := openDir(t, t.TempDir())
	return &machine{
		node: "n1", start: time.Now(), image: d.image, replica: registry.NewReplica("n1"),
		cluster: func() string { return "" }, flushBytes: 8 << 20,
	}
}

func (m *machine) apply(t testing.TB, index uint64, commands ...registry.Command) registry.Outcome {
	t.Helper()
	switch r := m.Apply(&raft.Log{Index: index, Term: 1, Data: entry(commands...)}).(type) {
	case *registry.Outcome:
		return *r
	default:
		t.Fatalf("entry %d: %v", index, r)
		return registry.Outcome{}
	}
}

// sink is a raft.SnapshotSink in memory.
type sink struct{ bytes.Buffer }

func (*sink) ID() string    { return "memory" }
func (*sink) Cancel() error { return nil }
func (*sink) Close() error  { return nil }

// TestSnapshotIsOfItsIndex: what is applied and flushed between the capture
// and the copy is not in the copy.
func TestSnapshotIsOfItsIndex(t *testing.T) {
	m := newMachine(t)
	epoch := m.apply(t, 1, grant("a")).Results[0].Lease.Epoch
	m.apply(t, 2, renew(epoch, 7))
	want := m.replica.Digest()
	snapshot, err := m.Snapshot()
	must(t, err)
	m.apply(t, 3, grant("b"), renew(epoch, 8))
	must(t, m.flush())
	m.apply(t, 4, &registry.Evict{NS: "default", ID: "a"})
	must(t, m.flush())

	var stream sink
	must(t, snapshot.Persist(&stream))
	snapshot.Release()
	other := newMachine(t)
	must(t, other.Restore(io.NopCloser(&stream)))
	if other.replica.Digest() != want || other.replica.Index() != 2 || other.applied.Load() != 2 {
		t.Fatalf("restored to index %d, digest %x, want 2, %x", other.replica.Index(), other.replica.Digest(), want)
	}
	if l, ok := other.replica.Lease("default", "a"); !ok || l.Seq != 7 {
		t.Fatalf("lease a is %+v, %v", l, ok)
	}
}

// TestRestoredReplicaIsProtected: the rules of the judge outlive the replica.
func TestRestoredReplicaIsProtected(t *testing.T) {
	source, m := newMachine(t), newMachine(t)
	m.protect = []registry.Protection{{NS: "default", Threshold: 0.5, MinPopulation: 2, MaxHold: time.Hour, Window: time.Minute}}
	source.apply(t, 1, grant("a"), grant("b"))
	snapshot, err := source.Snapshot()
	must(t, err)
	defer snapshot.Release()
	var stream sink
	must(t, snapshot.Persist(&stream))
	must(t, m.Restore(io.NopCloser(&stream)))
	m.replica.Lead(1)
	out := m.replica.Apply(registry.Position{Index: 2, Term: 1}, &registry.Entry{
		Proposer: "n1", Commands: []registry.Command{&registry.Serve{Term: 1, ClusterID: "c"}},
	}, m.mono())
	if out.Results[0].Code != registry.OK {
		t.Fatalf("serve: %+v", out.Results[0])
	}
	for mono, end := m.mono(), m.mono()+time.Hour; mono < end; mono += registry.TickEvery {
		m.replica.Tick(mono)
		bury, hold := m.replica.Due(mono, 10, nil)
		if bury != nil {
			t.Fatal("buried without regard to the rules")
		}
		if hold != nil {
			return
		}
	}
	t.Fatal("nobody is held")
}

// TestNoSnapshotDuringReplay: the image is ahead of what is replayed, so packed
// renewals would name an index whose renewals they lack.
func TestNoSnapshotDuringReplay(t *testing.T) {
	logs := []*raft.Log{
		{Index: 1, Term: 1, Data: entry(grant("a"))},
		{Index: 2, Term: 1, Data: entry(renew(1, 1), grant("b"))},
	}
	m := newMachine(t)
	m.ApplyBatch(logs)
	must(t, m.flush())
	again := newMachine(t)
	must(t, load(m.image.db, again.replica))
	again.ApplyBatch(logs[:1])
	if _, err := again.Snapshot(); !errors.Is(err, errReplaying) {
		t.Fatalf("got %v", err)
	}
	again.ApplyBatch(logs[1:])
	snapshot, err := again.Snapshot()
	must(t, err)
	snapshot.Release()
	if again.replica.Digest() != m.replica.Digest() {
		t.Fatal("the digests differ")
	}
	if l, ok := again.replica.Lease("default", "a"); !ok || l.Seq != 1 {
		t.Fatalf("lease a is %+v, %v", l, ok)
	}
}

// TestReleasedSnapshotHoldsNothing: Raft may drop a snapshot without having
// written it.
func TestReleasedSnapshotHoldsNothing(t *testing.T) {
	m := newMachine(t)
	m.apply(t, 1, grant("a"))
	snapshot, err := m.Snapshot()
	must(t, err)
	snapshot.Release()
	must(t, m.flush())
	if n := m.image.db.Stats().OpenTxN; n != 0 {
		t.Fatalf("%d readers are left", n)
	}
}

// TestRestoreDropsWhatWaits: changes of the old state must not be written into
// the new image, and a snapshot of the old one fails.
func TestRestoreDropsWhatWaits(t *testing.T) {
	source, m := newMachine(t), newMachine(t)
	source.apply(t, 9, grant("new"))
	snapshot, err := source.Snapshot()
	must(t, err)
	defer snapshot.Release()
	var stream sink
	must(t, snapshot.Persist(&stream))

	m.apply(t, 1, grant("old"))
	old, err := m.Snapshot()
	must(t, err)
	defer old.Release()
	must(t, m.Restore(io.NopCloser(&stream)))
	if err := old.Persist(new(sink)); !errors.Is(err, errReplaced) {
		t.Fatalf("got %v", err)
	}
	r := registry.NewReplica("n1")
	must(t, load(m.image.db, r))
	if r.Digest() != source.replica.Digest() || r.Len() != 1 {
		t.Fatalf("the image holds %d leases", r.Len())
	}
}

// TestFlushAmidARestore: a flush between the new file and the new replica must
// not write the old one's changes into that file.
func TestFlushAmidARestore(t *testing.T) {
	source, m := newMachine(t), newMachine(t)
	source.apply(t, 9, grant("new"))
	snapshot, err := source.Snapshot()
	must(t, err)
	defer snapshot.Release()
	var stream sink
	must(t, snapshot.Persist(&stream))

	m.apply(t, 1, grant("old"))
	m.replace(true)
	r := m.empty()
	must(t, m.image.install(arrival{source: &stream, replica: r}, func(h frameHeader) {
		m.capture(nil)
		m.put(r, h.Index, h.Term, nil)
	}))
	m.replace(false)
	must(t, m.flush())
	r = registry.NewReplica("n1")
	must(t, load(m.image.db, r))
	if r.Digest() != source.replica.Digest() || r.Len() != 1 {
		t.Fatalf("the image holds %d leases", r.Len())
	}
}

// TestSlowFlushHoldsBack: when more waits than may, applying writes it itself.
func TestSlowFlushHoldsBack(t *testing.T) {
	m := newMachine(t)
	m.flushBytes = 1000
	nudged := 0
	m.grown = func() { nudged++ }
	for i := range uint64(500) {
		m.apply(t, i+1, grant(fmt.Sprint("lease-", i)))
		if size := m.replica.FlushSize() + m.image.queue.size(); size > 5*m.flushBytes {
			t.Fatalf("%d bytes wait", size)
		}
	}
	if nudged == 0 || m.image.index.Load() == 0 {
		t.Fatalf("nudged %d times, flushed to %d", nudged, m.image.index.Load())
	}
}

func TestConfigurationEntriesCount(t *testing.T) {
	m := newMachine(t)
	m.apply(t, 1, grant("a"))
	if r := m.ApplyBatch([]*raft.Log{{Index: 2, Term: 1, Type: raft.LogConfiguration}}); r[0] != nil {
		t.Fatalf("got %v", r)
	}
	if m.applied.Load() != 2 {
		t.Fatalf("applied %d", m.applied.Load())
	}
}

func TestOutcomesComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var indexes []uint64
		s := openSingle(t, t.TempDir(), func(c *Config) {
			c.OnApply = func(out registry.Outcome) { indexes = append(indexes, out.Index) }
		})
		var waiting []*Proposal
		for i := range 50 {
			waiting = append(waiting, s.Propose(entry(grant(fmt.Sprint(i)))))
		}
		var last uint64
		for i, p := range waiting {
			out, err := p.Wait()
			must(t, err)
			if out.Index <= last || out.Results[0].Lease.ID != fmt.Sprint(i) {
				t.Fatalf("proposal %d is entry %d after %d", i, out.Index, last)
			}
			last = out.Index
		}
		must(t, s.Close())
		if !slices.IsSorted(indexes) || len(indexes) != 50 {
			t.Fatalf("outcomes of %v", indexes)
		}
	})
}

func TestJudgeChangesTheReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openSingle(t, t.TempDir())
		s.Judge(func(r *registry.Replica, mono time.Duration) {
			r.Tick(mono)
			r.Lead(s.Term())
		})
		propose(t, s, &registry.Serve{Term: s.Term(), ClusterID: "c1"})
		s.View(func(r *registry.Replica, _ time.Duration) {
			if term, ok := r.Serving(); !ok || term != s.Term() {
				t.Errorf("serves %v in term %d", ok, term)
			}
		})
		if s.FreeSpaceLow() {
			t.Log("the disk of this machine is nearly full")
		}
		must(t, s.Close())
	})
}
