package raftstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-b4c92e43/rollcall/registry"
)

func leases(s *Store) []registry.Lease {
	var list []registry.Lease
	s.View(func(r *registry.Replica, _ time.Duration) {
		list = r.List(registry.Query{NS: "default", Limit: 1000}).Leases
	})
	for i := range list {
		list[i].Slot = 0
	}
	return list
}

func TestRestartKeepsEverything(t *testing.T) {
	for _, how := range []struct {
		name string
		do   func(*testing.T, *Store)
	}{
		{"from the log", func(*testing.T, *Store) {}},
		{"from a flushed image", func(t *testing.T, s *Store) { must(t, s.machine.flush()) }},
		{"from a snapshot", func(t *testing.T, s *Store) { trail(t, s, 1); must(t, s.Snapshot()) }},
		{"from a snapshot and later renewals", func(t *testing.T, s *Store) {
			trail(t, s, 1)
			must(t, s.Snapshot())
			propose(t, s, renew(leases(s)[0].Epoch, 50))
		}},
		{"from a snapshot and a later flush and renewals on both sides of it", func(t *testing.T, s *Store) {
			must(t, s.Snapshot())
			epoch := leases(s)[0].Epoch
			propose(t, s, renew(epoch, 50))
			propose(t, s, grant("later"))
			propose(t, s, &registry.Evict{NS: "default", ID: "web-2"})
			must(t, s.machine.flush())
			propose(t, s, renew(epoch, 60))
		}},
	} {
		t.Run(how.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { restartKeeps(t, how.do) }) })
	}
}

func restartKeeps(t *testing.T, do func(*testing.T, *Store)) {
	path := filepath.Join(t.TempDir(), "data")
	s := openSingle(t, path, func(c *Config) { c.FlushEvery = time.Hour })
	fill(t, s, 20)
	do(t, s)
	want, index := digest(s)
	list := leases(s)
	crash(t, s)
	s = openSingle(t, path)
	got, at := digest(s)
	if got != want || at != index {
		t.Errorf("digest %x at %d, was %x at %d", got, at, want, index)
	}
	if got := leases(s); !slices.EqualFunc(got, list, sameLease) {
		t.Errorf("leases differ:\n%+v\n%+v", got, list)
	}
	must(t, s.Close())
}

func sameLease(a, b registry.Lease) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// crash closes s without its last flush.
func crash(t *testing.T, s *Store) {
	t.Helper()
	s.machine.mu.Lock()
	s.machine.replica = registry.NewReplica("n1") // nothing to flush
	s.machine.mu.Unlock()
	must(t, s.Close())
}

func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openSingle(t, t.TempDir())
		out := propose(t, s, grant("a"))
		must(t, s.AwaitIndex(t.Context(), out.Index))
		must(t, s.AwaitRevision(t.Context(), out.Revision))

		var group sync.WaitGroup
		for i := range uint64(3) {
			group.Go(func() {
				if err := errors.Join(s.AwaitIndex(t.Context(), out.Index+1+i), s.AwaitRevision(t.Context(), out.Revision+i)); err != nil {
					t.Error(err)
				}
			})
		}
		for i := range 3 {
			propose(t, s, grant(fmt.Sprint("b", i)))
		}
		group.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.AwaitIndex(ctx, 1_000_000); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if n := len(s.machine.indexes.heap); n != 0 {
			t.Fatalf("%d waiters are left", n)
		}
		closing := make(chan error)
		go func() { closing <- s.AwaitRevision(t.Context(), 1_000_000) }()
		synctest.Wait()
		must(t, s.Close())
		if err := <-closing; !errors.Is(err, ErrClosed) {
			t.Fatalf("got %v", err)
		}
	})
}

// TestAppliedCountsWhatNeverReachesTheMachine: after an election the newest
// committed entry is a no-op.
func TestAppliedCountsWhatNeverReachesTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openSingle(t, t.TempDir())
		must(t, s.raft.Barrier(time.Second).Error())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		must(t, s.AwaitIndex(ctx, s.Committed()))
		if s.Applied() != s.Committed() || s.machine.applied.Load() >= s.Committed() {
			t.Fatalf("applied %d, committed %d, machine %d", s.Applied(), s.Committed(), s.machine.applied.Load())
		}
		must(t, s.Close())
	})
}

func TestTooManyWaiters(t *testing.T) {
	var w waiters
	for range maxWaiters {
		if _, err := w.add(1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.add(1); !errors.Is(err, ErrTooMany) {
		t.Fatalf("got %v", err)
	}
	w.wake(1)
	if _, err := w.add(2); err != nil {
		t.Fatal(err)
	}
}

func TestProposalsOfAClosedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openSingle(t, t.TempDir())
		must(t, s.Close())
		must(t, s.Close())
		if _, err := s.Propose(entry(grant("a"))).Wait(); !errors.Is(err, ErrNotLeader) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestProposalErrors(t *testing.T) {
	for cause, want := range map[error]error{
		raft.ErrNotLeader:                    ErrNotLeader,
		raft.ErrLeadershipTransferInProgress: ErrNotLeader,
		raft.ErrEnqueueTimeout:               ErrNotLeader,
		raft.ErrLeadershipLost:               ErrIndeterminate,
		raft.ErrRaftShutdown:                 ErrIndeterminate,
		raft.ErrAbortedByRestore:             ErrIndeterminate,
		errors.New("no space left"):          ErrIndeterminate,
	} {
		if got := proposalError(cause); !errors.Is(got, want) || !errors.Is(got, cause) {
			t.Errorf("%v became %v", cause, got)
		}
	}
}

func TestBrokenEntryStopsTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fatal := make(chan error, 9)
		s := openSingle(t, t.TempDir(), func(c *Config) { c.OnFatal = func(err error) { fatal <- err } })
		before := s.machine.applied.Load()
		for range 2 {
			if _, err := s.Propose([]byte{0xff}).Wait(); !errors.Is(err, ErrIndeterminate) {
				t.Fatalf("got %v", err)
			}
		}
		if s.machine.applied.Load() != before {
			t.Fatal("went on")
		}
		if err := s.Snapshot(); err == nil {
			t.Fatal("took a snapshot")
		}
		synctest.Wait()
		if len(fatal) != 1 {
			t.Fatalf("%d fatal errors", len(fatal))
		}
		must(t, s.Close())
	})
}

// TestLogIsCutByBytes: snapshots come by themselves, and the log shrinks.
func TestLogIsCutByBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir()
		s := openSingle(t, path, func(c *Config) { c.SnapshotBytes = 200_000 })
		epoch := propose(t, s, grant("a")).Results[0].Lease.Epoch
		for i := range uint64(2 * minTrailing) {
			propose(t, s, renewAt(epoch, i))
		}
		must(t, s.Snapshot())
		first, last := s.log.bounds()
		if first < minTrailing/2 || last-first > 2*minTrailing {
			t.Fatalf("log is %d to %d", first, last)
		}
		must(t, s.Close())
		list, err := os.ReadDir(filepath.Join(path, snapshotsName))
		if err != nil || len(list) != retainSnapshots {
			t.Fatalf("%d snapshots, %v", len(list), err)
		}
		must(t, openSingle(t, path).Close())
	})
}

func renewAt(epoch, i uint64) *registry.Renew {
	r := new(registry.Renew)
	for k := range uint64(16) {
		r.Beats = r.Beats.Append(epoch, i*16+k+1)
	}
	return r
}

func TestMetricsAreRegisteredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		path := t.TempDir()
		for range 2 {
			s := openSingle(t, path, func(c *Config) { c.Registerer = reg })
			families, err := reg.Gather()
			if err != nil || len(families) < 8 {
				t.Fatalf("%d families, %v", len(families), err)
			}
			must(t, s.Close())
		}
		if families, _ := reg.Gather(); len(families) != 0 {
			t.Fatalf("%d families are left", len(families))
		}
	})
}
