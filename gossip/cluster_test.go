package gossip

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// names is a Resolver with a table that tests change.
type names struct {
	mu    sync.Mutex
	hosts map[string][]string
}

func (n *names) set(host string, ips ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = map[string][]string{}
	}
	n.hosts[host] = ips
}

func (n *names) LookupHost(_ context.Context, host string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ips := n.hosts[host]; len(ips) > 0 {
		return ips, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// cluster is a network with the nodes that run on it.
type cluster struct {
	t     *testing.T
	net   *Memory
	names *names
	join  []string
	nodes map[string]*Gossip
}

func newCluster(t *testing.T, join ...string) *cluster {
	return &cluster{t: t, net: NewMemory(), names: &names{}, join: join, nodes: map[string]*Gossip{}}
}

func addr(i int) string     { return fmt.Sprintf("10.0.0.%d:7702", i) }
func nodeName(i int) string { return fmt.Sprintf("n%d", i) }

// start opens node n<i> at addr.
func (c *cluster) start(i int, addr string) *Gossip {
	return c.startAs(i, addr, fmt.Sprintf("%016x", i))
}

func (c *cluster) startAs(i int, addr, incarnation string) *Gossip {
	c.t.Helper()
	node := nodeName(i)
	g, err := Open(Config{
		Join: c.join, Resolver: c.names, Transport: c.net.Transport(addr),
		Local: Local{Node: node, Incarnation: incarnation, HTTPAddr: "h" + node + ":7700", RaftAddr: "h" + node + ":7701", Role: "voter", Version: "1", Expect: 3, Fresh: true},
	})
	if err != nil {
		c.t.Fatalf("open %s: %v", node, err)
	}
	c.nodes[addr] = g
	return g
}

func (c *cluster) close() {
	for _, g := range c.nodes {
		g.Close()
	}
	pass(time.Minute) // what memberlist has on its way runs into its time-outs
}

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

// view is what one node sees: "n1=alive n2=dead".
func view(g *Gossip) string {
	var parts []string
	for _, m := range g.Members() {
		parts = append(parts, m.Node+"="+m.Status)
	}
	return strings.Join(parts, " ")
}

// expect waits at most limit until the node sees that.
func (c *cluster) expect(g *Gossip, limit time.Duration, want string) time.Duration {
	c.t.Helper()
	start := time.Now()
	for view(g) != want {
		if time.Since(start) > limit {
			c.t.Fatalf("after %v %s sees %q, want %q", limit, g.config.Local.Node, view(g), want)
		}
		pass(10 * time.Millisecond)
	}
	return time.Since(start)
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func everyone(n int, status string) string {
	var parts []string
	for i := 1; i <= n; i++ {
		parts = append(parts, nodeName(i)+"="+status)
	}
	return strings.Join(parts, " ")
}

func TestJoinInAnyOrder(t *testing.T) {
	for _, n := range []int{3, 5} {
		for _, reverse := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d reverse=%v", n, reverse), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					c := newCluster(t, addr(1), addr(2), addr(3))
					defer c.close()
					order := []int{1, 2, 3, 4, 5}[:n]
					if reverse {
						slices.Reverse(order)
					}
					for _, i := range order {
						c.start(i, addr(i))
						pass(700 * time.Millisecond)
					}
					for _, g := range c.nodes {
						c.expect(g, 10*time.Second, everyone(n, StatusAlive))
					}
				})
			})
		}
	}
}

func TestMembersCarryWhatTheyAnnounce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, addr(1))
		defer c.close()
		a, b := c.start(1, addr(1)), c.start(2, addr(2))
		c.expect(a, 5*time.Second, everyone(2, StatusAlive))
		m := a.Members()[1]
		if m.Local != b.config.Local || m.GossipAddr != addr(2) || m.Self || m.Started == 0 || m.Since.IsZero() {
			t.Errorf("n1 sees %+v", m)
		}
		if self := a.Members()[0]; !self.Self || self.GossipAddr != a.Addr() {
			t.Errorf("n1 sees itself as %+v", self)
		}
	})
}

func TestUpdateReachesTheOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, addr(1))
		defer c.close()
		a, b := c.start(1, addr(1)), c.start(2, addr(2))
		c.expect(a, 5*time.Second, everyone(2, StatusAlive))
		<-a.Changed()
		b.Update(func(l *Local) { l.ClusterID, l.Fresh, l.Node = "c1", false, "renamed" })
		select {
		case <-a.Changed():
		case <-time.After(5 * time.Second):
			t.Fatal("no change was signalled")
		}
		if m := a.Members()[1]; m.ClusterID != "c1" || m.Fresh || m.Node != "n2" {
			t.Errorf("n1 sees %+v", m.Local)
		}
		before := b.Members()[1]
		b.Update(func(l *Local) { l.ClusterID = strings.Repeat("x", 600) })
		if b.Members()[1].Local != before.Local {
			t.Error("an update that does not fit was taken")
		}
	})
}

func TestLeaveIsSeenAsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, addr(1), addr(2), addr(3))
		defer c.close()
		a, b, d := c.start(1, addr(1)), c.start(2, addr(2)), c.start(3, addr(3))
		c.expect(a, 5*time.Second, everyone(3, StatusAlive))
		c.expect(b, 5*time.Second, everyone(3, StatusAlive))
		if err := d.Leave(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		d.Close()
		c.expect(a, 5*time.Second, "n1=alive n2=alive n3=left")
		c.expect(b, 5*time.Second, "n1=alive n2=alive n3=left")
		if got := d.Members()[2].Status; got != StatusLeft {
			t.Errorf("the node that left calls itself %s", got)
		}
		a.table.expire(time.Now().Add(forgetAfter + time.Minute))
		c.expect(a, 0, "n1=alive n2=alive")
	})
}

func TestCrashIsSuspectedThenDead(t *testing.T) {
	for _, n := range []int{3, 5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newCluster(t, addr(1), addr(2), addr(3))
				defer c.close()
				for i := 1; i <= n; i++ {
					c.start(i, addr(i))
				}
				for _, g := range c.nodes {
					c.expect(g, 10*time.Second, everyone(n, StatusAlive))
				}
				c.nodes[addr(n)].Close()
				for i := 1; i < n; i++ {
					g := c.nodes[addr(i)]
					took := c.expect(g, 8*time.Second, everyone(n-1, StatusAlive)+" "+nodeName(n)+"=dead")
					t.Logf("%s knew after %v more", nodeName(i), took)
				}
			})
		})
	}
}

func TestSuspectIsShown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, addr(1), addr(2))
		defer c.close()
		a, b := c.start(1, addr(1)), c.start(2, addr(2))
		c.expect(a, 5*time.Second, everyone(2, StatusAlive))
		c.expect(b, 5*time.Second, everyone(2, StatusAlive))
		c.net.Cut(addr(1), addr(2))
		c.expect(a, 5*time.Second, "n1=alive n2=suspect")
		c.net.HealAll()
		c.expect(a, 5*time.Second, "n1=alive n2=alive")
	})
}

func TestRestartAtANewAddress(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, addr(1), addr(2), addr(3))
		defer c.close()
		a := c.start(1, addr(1))
		c.start(2, addr(2))
		c.start(3, addr(3))
		c.expect(a, 5*time.Second, everyone(3, StatusAlive))
		c.nodes[addr(3)].Close()
		pass(100 * time.Millisecond)
		c.start(3, addr(9))
		deadline := time.Now().Add(2 * time.Second)
		for a.Members()[2].GossipAddr != addr(9) {
			if time.Now().After(deadline) {
				t.Fatalf("n1 still sees %+v", a.Members()[2])
			}
			pass(10 * time.Millisecond)
		}
		pass(time.Minute)
		c.expect(a, 0, everyone(3, StatusAlive))
		if got := a.Members()[2].GossipAddr; got != addr(9) {
			t.Errorf("the old process came back: %s", got)
		}
		if got := a.Conflicts(); len(got) > 0 {
			t.Errorf("a restart is taken for a conflict: %+v", got)
		}
	})
}

func TestPartitionHeals(t *testing.T) {
	for _, length := range []time.Duration{20 * time.Second, 2 * time.Minute} {
		t.Run(length.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newCluster(t, addr(1), addr(2), addr(3))
				defer c.close()
				for i := 1; i <= 5; i++ {
					c.start(i, addr(i))
				}
				for _, g := range c.nodes {
					c.expect(g, 10*time.Second, everyone(5, StatusAlive))
				}
				left, right := []string{addr(1), addr(2), addr(3)}, []string{addr(4), addr(5)}
				c.net.Split(left, right)
				c.expect(c.nodes[addr(1)], 15*time.Second, "n1=alive n2=alive n3=alive n4=dead n5=dead")
				c.expect(c.nodes[addr(5)], 15*time.Second, "n1=dead n2=dead n3=dead n4=alive n5=alive")
				pass(length)
				c.net.HealAll()
				for _, g := range c.nodes {
					c.expect(g, 45*time.Second, everyone(5, StatusAlive))
				}
			})
		})
	}
}

func TestJoinByANameThatResolvesLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.close()
		c.names.set("two.example", "10.0.0.2") // names the joining node itself
		c.start(1, addr(1))
		c.join = []string{"one.example", "two.example:7702"}
		b := c.start(2, addr(2))
		pass(3 * time.Minute)
		c.expect(b, 0, "n2=alive")
		c.names.set("one.example", "10.0.0.7", "10.0.0.1") // the first is wrong
		c.expect(b, 8*time.Second, everyone(2, StatusAlive))
	})
}

func TestTwoNodesOfOneName(t *testing.T) {
	for _, same := range []bool{false, true} {
		t.Run(fmt.Sprint(same), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newCluster(t, addr(1))
				defer c.close()
				a := c.start(1, addr(1))
				c.startAs(2, addr(2), "aa")
				other := "bb"
				if same {
					other = "aa"
				}
				b := c.startAs(2, addr(3), other)
				c.expect(a, 5*time.Second, everyone(2, StatusAlive))
				if got := a.Conflicts(); len(got) > 0 {
					t.Errorf("a conflict at once: %+v", got)
				}
				pass(conflictAfter + 5*time.Second)
				for _, g := range []*Gossip{a, b} {
					got := g.Conflicts()
					if len(got) != 1 || got[0].Node != "n2" || len(got[0].Addrs) != 2 || got[0].SameIncarnation != same {
						t.Errorf("conflicts: %+v", got)
					}
				}
			})
		})
	}
}
