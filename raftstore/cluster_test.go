package raftstore

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// cluster is several stores in one bubble of virtual time.
type cluster struct {
	t     *testing.T
	root  string
	nodes map[string]*member
}

type member struct {
	*Store
	id        string // server id
	transport *raft.InmemTransport
	restored  atomic.Int32
}

// newCluster opens stores of those names; the first founds and adds the others.
func newCluster(t *testing.T, names ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, root: t.TempDir(), nodes: make(map[string]*member)}
	for _, name := range names {
		c.open(name)
	}
	first := c.nodes[names[0]]
	must(t, first.Bootstrap(names[0]))
	lead(t, first.Store)
	for _, name := range names[1:] {
		must(t, first.AddVoter(c.nodes[name].id, name))
	}
	t.Cleanup(c.close)
	c.acquaint(len(names))
	return c
}

// acquaint waits until every node knows of all: one that does not yet, votes
// for nobody of whom it has not heard.
func (c *cluster) acquaint(n int) {
	c.t.Helper()
	for _, m := range c.nodes {
		for range 1000 {
			if servers, err := m.Servers(); err == nil && len(servers) == n {
				break
			}
			pause(c.t.Context(), 10*time.Millisecond)
		}
	}
}

func (c *cluster) path(name string) string { return filepath.Join(c.root, name) }

func (c *cluster) open(name string) *member {
	c.t.Helper()
	d, err := OpenDir(c.path(name), name)
	must(c.t, err)
	_, transport := raft.NewInmemTransport(raft.ServerAddress(name))
	m := &member{id: d.Identity().ServerID(), transport: transport}
	m.Store, err = Open(Config{
		Dir: d, Transport: transport, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		OnRestore: func(uint64) { m.restored.Add(1) },
		OnFatal:   func(err error) { c.t.Errorf("%s: fatal: %v", name, err) },
	})
	must(c.t, err)
	c.nodes[name] = m
	c.connect(name, true)
	return m
}

// connect joins or cuts the ways between one node and all others.
func (c *cluster) connect(name string, on bool) {
	m := c.nodes[name]
	for other, o := range c.nodes {
		switch {
		case other == name:
		case on:
			m.transport.Connect(raft.ServerAddress(other), o.transport)
			o.transport.Connect(raft.ServerAddress(name), m.transport)
		default:
			m.transport.Disconnect(raft.ServerAddress(other))
			o.transport.Disconnect(raft.ServerAddress(name))
		}
	}
}

// stop closes one store.
func (c *cluster) stop(name string) {
	c.t.Helper()
	c.connect(name, false)
	must(c.t, c.nodes[name].Close())
	delete(c.nodes, name)
}

func (c *cluster) close() {
	for name := range c.nodes {
		c.stop(name)
	}
}

// leader waits until a node leads, and all that it had to apply is applied.
func (c *cluster) leader() *member {
	c.t.Helper()
	for range 1000 {
		for _, m := range c.nodes {
			if m.IsLeader() && m.Store.raft.VerifyLeader().Error() == nil {
				must(c.t, m.AwaitIndex(c.t.Context(), m.raft.LastIndex()))
				return m
			}
		}
		pause(c.t.Context(), 10*time.Millisecond)
	}
	c.t.Fatal("nobody leads")
	return nil
}

// same waits until every node has applied what the leader has, and asserts
// that all have the same state.
func (c *cluster) same() {
	c.t.Helper()
	l := c.leader()
	want, index := digest(l.Store)
	for name, m := range c.nodes {
		must(c.t, m.AwaitIndex(c.t.Context(), l.Applied()))
		if got, at := digest(m.Store); got != want || at != index {
			c.t.Errorf("%s: digest %x at %d, the leader's %x at %d", name, got, at, want, index)
		}
	}
}

func TestThreeNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		epochs := fill(t, c.leader().Store, 10)
		c.same()

		old := c.leader()
		term := old.Term()
		must(t, old.Transfer(""))
		if l := c.leader(); l == old || l.Term() <= term {
			t.Fatalf("led by %s in term %d after a transfer in term %d", l.id, l.Term(), term)
		}
		fill(t, c.leader().Store, 12)
		c.same()

		name, _, _ := cutID(c.leader().id)
		c.stop(name)
		propose(t, c.leader().Store, renew(epochs[0]+1_000_000, 1), grant("after the failover"))
		c.open(name)
		c.same()

		for _, name := range []string{"n1", "n2", "n3"} {
			c.stop(name)
		}
		for _, name := range []string{"n1", "n2", "n3"} {
			c.open(name)
		}
		c.same()
		if n := len(leases(c.leader().Store)); n != 13 {
			t.Fatalf("%d leases after all were stopped", n)
		}
	})
}

func cutID(serverID string) (node, incarnation string, ok bool) {
	for i := range serverID {
		if serverID[i] == '/' {
			return serverID[:i], serverID[i+1:], true
		}
	}
	return serverID, "", false
}

// TestSnapshotGoesToAnEmptyNode adds a node that lacks what the log no longer
// has; renewals on both sides of the snapshot must be there too.
func TestSnapshotGoesToAnEmptyNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		l := c.leader().Store
		epochs := fill(t, l, 30)
		trail(t, l, 1)
		must(t, l.Snapshot())
		for i, e := range epochs {
			propose(t, l, renew(e, uint64(50+i)))
		}
		n2 := c.open("n2")
		must(t, l.AddNonvoter(n2.id, "n2"))
		c.same()
		if n2.restored.Load() != 1 {
			t.Fatalf("restored %d times", n2.restored.Load())
		}
		must(t, l.AddVoter(n2.id, "n2"))
		servers, err := l.Servers()
		if err != nil || len(servers) != 2 || !servers[1].Voter || servers[1].Addr != "n2" {
			t.Fatalf("servers %+v, %v", servers, err)
		}
		c.stop("n2")
		n2 = c.open("n2")
		c.same()
		must(t, c.leader().Remove(n2.id))
	})
}

// TestInstallationCutShort: the snapshot is installed, but the process dies
// before Raft has removed the log that it replaces.
func TestInstallationCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		fill(t, c.leader().Store, 5)
		if c.leader().id == c.nodes["n3"].id {
			must(t, c.leader().Transfer(c.nodes["n1"].id))
		}
		c.same()
		c.stop("n3")
		putBack := copyOf(t, c.path("n3"), logName)
		l := c.leader()
		fill(t, l.Store, 30)
		trail(t, l.Store, 1)
		must(t, l.Snapshot())
		n3 := c.open("n3")
		c.same()
		if n3.restored.Load() != 1 {
			t.Fatalf("restored %d times", n3.restored.Load())
		}
		c.stop("n3")
		putBack()
		d, err := OpenDir(c.path("n3"), "n3")
		must(t, err)
		if first, last := d.log.bounds(); last != 0 {
			t.Fatalf("entries %d to %d were left beside the snapshot", first, last)
		}
		must(t, d.Close())
		c.open("n3")
		c.same()
		propose(t, c.leader().Store, grant("later"))
		c.same()
	})
}

func TestForeignSnapshotIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := openSingle(t, t.TempDir())
		propose(t, source, &registry.Serve{Term: source.Term(), ClusterID: "c1"})
		path := newestState(t, source)

		target := openSingle(t, t.TempDir(), func(c *Config) {
			c.OnFatal = func(err error) { t.Errorf("fatal: %v", err) }
		})
		epoch := propose(t, target, grant("mine")).Results[0].Lease.Epoch
		must(t, target.cfg.Dir.SetCluster("c2"))
		f, err := os.Open(path)
		must(t, err)
		if err := target.machine.Restore(f); err == nil {
			t.Fatal("took the state of another cluster")
		}
		if list := leases(target); len(list) != 1 || list[0].Epoch != epoch {
			t.Fatalf("leases are now %+v", list)
		}
		must(t, f.Close())
		must(t, source.Close())
		must(t, target.Close())
	})
}

// newestState takes a snapshot and returns the path of its stream.
func newestState(t *testing.T, s *Store) string {
	t.Helper()
	must(t, s.Snapshot())
	list, err := s.snapshots.List()
	if err != nil || len(list) == 0 {
		t.Fatalf("snapshots %v, %v", list, err)
	}
	return filepath.Join(s.cfg.Dir.path, snapshotsName, list[0].ID, "state.bin")
}

// TestLeadershipIsToldWithItsTerm cuts the leader off and heals it, again and
// again; each node must hear of its leaderships with the terms that it had
// them in, and end on what is.
func TestLeadershipIsToldWithItsTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		for round := range 6 {
			l := c.leader()
			name, _, _ := cutID(l.id)
			term := l.Term()
			c.connect(name, false)
			pause(t.Context(), 3*time.Second)
			if got := <-l.Leadership(); got.Leading || got.Term < term {
				t.Fatalf("round %d: deposed leader of term %d was told %+v", round, term, got)
			}
			next := c.leader()
			if got := <-next.Leadership(); !got.Leading || got.Term != next.Term() || got.Term <= term {
				t.Fatalf("round %d: leader of term %d was told %+v", round, next.Term(), got)
			}
			if id, addr := next.Leader(); id != next.id || addr == "" {
				t.Fatalf("leader is %q at %q", id, addr)
			}
			c.connect(name, true)
			propose(t, c.leader().Store, grant(fmt.Sprint("round ", round)))
		}
		c.same()
	})
}

// TestNoQuorumIsIndeterminate: what a cut-off leader took is neither promised
// nor denied.
func TestNoQuorumIsIndeterminate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		l := c.leader()
		name, _, _ := cutID(l.id)
		c.connect(name, false)
		started := time.Now()
		_, err := l.Propose(entry(grant("a"))).Wait()
		if !isIndeterminate(err) || time.Since(started) > 2*time.Second {
			t.Fatalf("got %v after %s", err, time.Since(started))
		}
		if _, err := l.Propose(entry(grant("b"))).Wait(); !isNotLeader(err) {
			t.Fatalf("got %v", err)
		}
		c.connect(name, true)
		c.same()
	})
}
