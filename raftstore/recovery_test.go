package raftstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// recovered makes one stopped node the only voter.
func recovered(t *testing.T, path string) (RecoveryInfo, string) {
	t.Helper()
	r, err := OpenRecovery(path)
	must(t, err)
	id, err := r.Commit()
	must(t, errors.Join(err, r.Close()))
	return r.Info(), id
}

// TestOneOfThreeGoesOn: with all that its log has, under a new cluster id, beyond
// every revision; and starts again as often as it likes.
func TestOneOfThreeGoesOn(t *testing.T) {
	for _, when := range []string{"by its log", "by a snapshot"} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, "n1", "n2", "n3")
				epochs := fill(t, c.leader().Store, 8)
				if when == "by a snapshot" {
					trail(t, c.nodes["n2"].Store, 1)
					c.same()
					must(t, c.nodes["n2"].Snapshot())
					fill2(t, c.leader().Store, 4)
				}
				c.same()
				want := leases(c.nodes["n2"].Store)
				_, index := digest(c.nodes["n2"].Store)
				for _, name := range []string{"n1", "n2", "n3"} {
					c.stop(name)
				}
				info, id := recovered(t, c.path("n2"))
				if info.Index < index || info.Leases != uint64(len(want)) || info.Node != "n2" || id == "" {
					t.Errorf("recovered %+v, want %d leases at %d", info, len(want), index)
				}
				for range 2 {
					n2 := c.open("n2")
					l := c.leader()
					if got := leases(l.Store); len(got) != len(want) {
						t.Errorf("%d leases, want %d", len(got), len(want))
					}
					servers, err := n2.Servers()
					if err != nil || len(servers) != 1 || !servers[0].Voter {
						t.Errorf("members %+v, %v", servers, err)
					}
					l.View(func(r *registry.Replica, _ time.Duration) {
						if r.ClusterID() != id || r.Revision() < uint64(time.Now().Add(-time.Hour).UnixMilli())*2048 {
							t.Errorf("cluster %q, want %q; revision %d", r.ClusterID(), id, r.Revision())
						}
					})
					propose(t, l.Store, renew(epochs[0], 99))
					c.stop("n2")
				}
				n2 := c.open("n2")
				n4 := c.open("n4")
				c.leader()
				must(t, n2.AddVoter(n4.id, "n4"))
				c.same()
			})
		})
	}
}

// TestRecoveryTwice: one that was cut short between its two steps is repeated.
func TestRecoveryTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		fill(t, c.leader().Store, 3)
		c.same()
		c.stop("n1")
		c.stop("n2")
		_, first := recovered(t, c.path("n1"))
		snapshots := filepath.Join(c.path("n1"), snapshotsName)
		must(t, os.RemoveAll(snapshots)) // as if none had been written
		must(t, os.Mkdir(snapshots, 0o700))
		_, second := recovered(t, c.path("n1"))
		if first == second {
			t.Error("one id twice")
		}
		c.open("n1")
		if n := len(leases(c.leader().Store)); n != 3 {
			t.Errorf("%d leases, want 3", n)
		}
	})
}

// TestRecoveryCutShort: the node refuses to start until it was repeated, also with
// a snapshot of the cluster that it is taken from.
func TestRecoveryCutShort(t *testing.T) {
	path := t.TempDir()
	s := openSingle(t, path)
	must(t, s.cfg.Dir.SetCluster("c"))
	propose(t, s, &registry.Serve{Term: s.Term(), ClusterID: "c"})
	fill(t, s, 3)
	must(t, s.Snapshot())
	must(t, s.Close())
	r, err := OpenRecovery(path)
	must(t, err)
	must(t, r.note("new", "c"))
	must(t, r.Close())
	d := openDir(t, path)
	_, transport := raft.NewInmemTransport("")
	if _, err := Open(Config{Dir: d, Transport: transport}); !errors.Is(err, ErrRecovering) {
		t.Errorf("between the steps the node starts: %v", err)
	}
	must(t, d.Close())
	_, id := recovered(t, path)
	s = openSingle(t, path)
	if got := s.cfg.Dir.Identity().ClusterID; got != id || len(leases(s)) != 3 {
		t.Errorf("cluster %s with %d leases, want %s with 3", got, len(leases(s)), id)
	}
}

// TestRecoveryIsRefused: while the node runs, where something is damaged, and
// where there is nothing.
func TestRecoveryIsRefused(t *testing.T) {
	path := t.TempDir()
	if _, err := OpenRecovery(path); !errors.Is(err, ErrNoState) {
		t.Errorf("an empty directory: %v", err)
	}
	must(t, openDir(t, path).Close())
	if _, err := OpenRecovery(path); !errors.Is(err, ErrNoState) {
		t.Errorf("a fresh directory: %v", err)
	}
	s := openSingle(t, path)
	fill(t, s, 3)
	if _, err := OpenRecovery(path); !errors.Is(err, ErrInUse) {
		t.Errorf("a running node: %v", err)
	}
	must(t, s.Close())
	r, err := OpenRecovery(path)
	must(t, err)
	must(t, r.Close())
	if n := spools(t, path); n != 0 {
		t.Errorf("%d files are left", n)
	}
	must(t, os.Truncate(filepath.Join(path, logName), 0))
	_, err = OpenRecovery(path)
	refused(t, err, logName)
}
