package node

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestThreeNodesKeepALease(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		g := c.grant(c.follower(), "web-1", 2*time.Second)
		for seq := uint64(1); seq <= 10; seq++ {
			for _, r := range c.nodes { // the first to reach the leader extends, the others repeat
				c.renew(r, "web-1", g.Epoch, seq)
			}
			pass(600 * time.Millisecond)
		}
		for _, r := range c.nodes {
			if l := c.state(r, "web-1"); l.State != "alive" || l.Seq != 10 || l.Missed != 0 {
				t.Errorf("%s shows %+v", r.name, l)
			}
		}
		pass(2600 * time.Millisecond)
		for _, r := range c.nodes {
			l := c.state(r, "web-1")
			if l.State != "expired" || l.Certificate.LastSeq != 10 || l.Certificate.OverdueMS > 250 {
				t.Errorf("%s shows %+v %+v", r.name, l, l.Certificate)
			}
		}
	})
}

func TestFailoverBuriesNobodyWhoLivesAndForgetsNothing(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		const leases = 30
		epochs := make([]uint64, leases)
		for i := range epochs {
			epochs[i] = c.grant(c.follower(), fmt.Sprint("web-", i), 5*time.Second).Epoch
		}
		silent := c.grant(c.follower(), "silent", 5*time.Second)
		beat := func(seq uint64) {
			for i, e := range epochs {
				c.renew(c.follower(), fmt.Sprint("web-", i), e, seq)
			}
		}
		beat(1)
		c.kill(c.leader())
		killed := time.Now()
		beat(2)
		if gap := time.Since(killed); gap > 3*time.Second {
			t.Errorf("first renewals after the failover took %v", gap)
		}
		if again := c.renew(c.leader(), "web-0", epochs[0], 2); !again.Duplicate {
			t.Errorf("the same seq again is not known after the failover: %+v", again)
		}
		for seq := uint64(3); seq < 10; seq++ {
			pass(1500 * time.Millisecond)
			beat(seq)
		}
		for i := range epochs {
			if l := c.state(c.follower(), fmt.Sprint("web-", i)); l.State != "alive" {
				t.Errorf("%s is %s: %+v", l.ID, l.State, l.Certificate)
			}
		}
		if l := c.state(c.leader(), "silent"); l.State != "expired" || l.Epoch != silent.Epoch {
			t.Errorf("the silent one: %+v", l)
		}
	})
}

func TestMinorityAnswersLocallyAndBuriesNobody(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		g := c.grant(c.leader(), "web-1", time.Second)
		last := c.follower()
		c.must(last, "GET", fmt.Sprint("/v1/leases/web-1?min_revision=", g.Revision), nil, 200)
		for _, r := range c.nodes {
			if r != last {
				c.kill(r)
			}
		}
		pass(5 * time.Second)
		if l := c.state(last, "web-1"); l.State != "alive" || !l.Late {
			t.Errorf("the minority shows %+v", l)
		}
		for _, q := range []struct {
			method, path string
			body         any
		}{
			{"POST", "/v1/leases/web-1/heartbeat", wire.Heartbeat{Epoch: g.Epoch, Seq: 1}},
			{"PUT", "/v1/leases/web-2", wire.Registration{}},
			{"GET", "/v1/leases/web-1?consistency=leader", nil},
			{"GET", "/v1/alive?consistency=linearizable", nil},
		} {
			began := time.Now()
			a := c.must(last, q.method, q.path, q.body, 503)
			var p wire.Problem
			a.into(t, &p)
			if p.Code != wire.CodeNoLeader || time.Since(began) > 2*time.Second || a.header.Get("Retry-After") == "" {
				t.Errorf("%s %s: %v after %v", q.method, q.path, p.Code, time.Since(began))
			}
		}
	})
}

func TestIsolatedLeaderStopsAndNothingIsLost(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		g := c.grant(c.leader(), "web-1", 3*time.Second)
		old := c.leader()
		c.isolate(old)
		pass(time.Second)
		delete(c.nodes, old.name)
		fresh := c.leader()
		c.nodes[old.name] = old
		for seq := uint64(1); seq <= 5; seq++ {
			c.renew(fresh, "web-1", g.Epoch, seq)
			pass(time.Second)
		}
		c.rejoin(old)
		pass(3 * time.Second / 2)
		got := c.renew(old, "web-1", g.Epoch, 6)
		if got.Duplicate || got.Seq != 6 {
			t.Errorf("through the old leader: %+v", got)
		}
	})
}

func TestAllRestartAndEverybodyHasAFreshTTL(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		g := c.grant(c.leader(), "web-1", 4*time.Second)
		c.renew(c.follower(), "web-1", g.Epoch, 1)
		for _, r := range c.nodes {
			c.kill(r)
		}
		pass(time.Minute)
		began := time.Now()
		c.three()
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("the cluster came back after %v", d)
		}
		l := c.state(c.leader(), "web-1")
		if l.State != "alive" || l.Seq != 1 || l.Renewals != 1 {
			t.Errorf("after the restart: %+v", l)
		}
		c.renew(c.follower(), "web-1", g.Epoch, 2)
	})
}

func TestANodeMoves(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		moved := c.follower()
		moved.halt(t)
		delete(c.nodes, moved.name)
		again := c.startAt(moved.name, "10.0.1.77", Config{BootstrapExpect: 3})
		c.ready()
		g := c.grant(again, "web-1", 2*time.Second)
		c.kill(c.leaderOtherThan(again))
		c.renew(again, "web-1", g.Epoch, 1)
	})
}

// leaderOtherThan makes another node lead if need be.
func (c *cluster) leaderOtherThan(r *running) *running {
	c.t.Helper()
	for range 20 {
		if l := c.leader(); l != r {
			return l
		}
		c.must(r, "POST", "/v1/cluster/transfer", nil, 200)
		pass(time.Second)
	}
	c.t.Fatal("the leadership does not move")
	return nil
}

func TestADiskIsReplaced(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		c.grant(c.leader(), "web-1", time.Minute)
		lost := c.follower()
		c.kill(lost)
		if err := os.RemoveAll(filepath.Join(c.dir, lost.name)); err != nil {
			t.Fatal(err)
		}
		fresh := c.startAt(lost.name, lost.host, Config{BootstrapExpect: 3})
		c.ready()
		if fresh.serverID == lost.serverID {
			t.Error("a wiped node came back as the same Raft server")
		}
		if l := c.state(fresh, "web-1"); l.State != "alive" {
			t.Errorf("the fresh disk shows %+v", l)
		}
		if n := fresh.voters(); n != 3 {
			t.Errorf("%d voters, want 3", n)
		}
	})
}

func TestFiveFreshNodesFoundOneCluster(t *testing.T) {
	bubble(t, func(c *cluster) {
		for _, i := range []int{5, 2, 4, 1, 3} {
			c.startAt(name(i), host(i), Config{BootstrapExpect: 3, Join: []string{host(4) + ":7702", host(2) + ":7702"}})
			pass(time.Duration(i) * 300 * time.Millisecond)
		}
		c.ready()
		var one wire.Cluster
		for _, r := range c.nodes {
			var got wire.Cluster
			c.must(r, "GET", "/v1/cluster", nil, 200).into(t, &got)
			if one.ClusterID == "" {
				one = got
			}
			if got.ClusterID == "" || got.ClusterID != one.ClusterID || len(got.Nodes) != 5 {
				t.Errorf("%s shows %+v", r.name, got)
			}
		}
	})
}

func TestGracefulStopHandsOver(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		g := c.grant(c.leader(), "web-1", 2*time.Second)
		old := c.leader()
		began := time.Now()
		old.halt(t)
		delete(c.nodes, old.name)
		c.renew(c.leader(), "web-1", g.Epoch, 1)
		if d := time.Since(began); d > 3*time.Second {
			t.Errorf("the hand-over took %v", d)
		}
	})
}

func TestAnEdgeForwardsAndNeverVotes(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		edge := c.startAt("edge", "10.0.0.8", Config{BootstrapExpect: 3, Edge: true})
		c.ready()
		g := c.grant(edge, "web-1", 5*time.Second)
		c.renew(edge, "web-1", g.Epoch, 1)
		if n := edge.voters(); n != 3 {
			t.Errorf("%d voters, want 3", n)
		}
	})
}
