package node

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// crew is clients whose leases must never die, whatever operators do meanwhile.
type crew struct {
	c    *cluster
	stop chan struct{}
	work sync.WaitGroup

	ending sync.Once

	mu    sync.Mutex
	hosts []string // where they may ask
	beats int
}

func (c *cluster) crew(n int, ttl time.Duration) *crew {
	c.t.Helper()
	w := &crew{c: c, stop: make(chan struct{})}
	w.meet()
	for i := range n {
		id := fmt.Sprint("live-", i)
		g := c.grant(c.leader(), id, ttl)
		w.work.Go(func() { w.keep(id, g.Epoch, i, ttl) })
	}
	return w
}

// meet tells the crew of the nodes that there are now.
func (w *crew) meet() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts = w.hosts[:0]
	for _, r := range w.c.nodes {
		w.hosts = append(w.hosts, r.host)
	}
	slices.Sort(w.hosts)
}

// without tells it that one is about to go.
func (w *crew) without(r *running) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts = slices.DeleteFunc(w.hosts, func(h string) bool { return h == r.host })
}

func (w *crew) host(i int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hosts[i%len(w.hosts)]
}

// keep renews one lease every quarter of its TTL, elsewhere after a failure.
func (w *crew) keep(id string, epoch uint64, at int, ttl time.Duration) {
	for seq := uint64(1); ; {
		a, err := w.c.doWith(w.host(at), "POST", "/v1/leases/"+id+"/heartbeat", wire.Heartbeat{Epoch: epoch, Seq: seq})
		wait := ttl / 4
		switch {
		case err == nil && a.status == 200:
			seq++
			w.count()
		case err == nil && a.status != 503:
			w.c.t.Errorf("%s: %d %s", id, a.status, a.body)
			return
		default:
			at++
			wait = 50 * time.Millisecond
		}
		select {
		case <-w.stop:
			return
		case <-time.After(wait):
		}
	}
}

func (w *crew) count() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.beats++
}

// end stops the crew, all of which must have been at work.
func (w *crew) end() {
	w.c.t.Helper()
	w.ending.Do(func() { close(w.stop) })
	w.work.Wait()
	if w.beats < 50 {
		w.c.t.Errorf("%d renewals", w.beats)
	}
}

// voting waits until that many vote, and all are ready.
func (c *cluster) voting(n int) {
	c.t.Helper()
	for range 1200 {
		if c.leader().voters() == n {
			c.ready()
			return
		}
		pass(50 * time.Millisecond)
	}
	c.t.Fatalf("%d voters, want %d", c.leader().voters(), n)
}

// remove takes a node out, and waits until its process has ended by itself.
func (c *cluster) remove(r, via *running) {
	c.t.Helper()
	c.must(via, "DELETE", "/v1/cluster/nodes/"+r.name, nil, 200)
	select {
	case err := <-r.done:
		if err == nil {
			c.t.Errorf("%s ended without a word", r.name)
		}
	case <-time.After(time.Minute):
		c.t.Fatalf("%s was removed and runs on", r.name)
	}
	delete(c.nodes, r.name)
}

// TestGrowsAndShrinksUnderLiveClients: from 1 to 3 and 5 voters, an edge beside
// them, and down again, the leader removed too.
func TestGrowsAndShrinksUnderLiveClients(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.start(1, 1)
		c.ready()
		w := c.crew(8, 2*time.Second)
		defer w.end()
		for i := 2; i <= 4; i += 2 { // two at a time: an even number does not vote
			c.start(i, 1)
			pass(3 * time.Second)
			c.start(i+1, 1)
			c.voting(i + 1)
			w.meet()
			pass(3 * time.Second)
		}
		c.startAt("edge", "10.0.0.8", Config{BootstrapExpect: 1, Edge: true})
		c.voting(5)
		w.meet()
		pass(3 * time.Second)
		edge := c.nodes["edge"]
		w.without(edge)
		c.remove(edge, c.leader())
		for n := 4; n >= 1; n-- {
			gone := c.follower()
			if n%2 == 1 {
				gone = c.leader()
			}
			w.without(gone)
			via := c.leader()
			if via == gone {
				via = c.follower()
			}
			c.remove(gone, via)
			pass(3 * time.Second)
		}
		if n := c.leader().voters(); n != 1 || len(c.nodes) != 1 {
			t.Errorf("%d voters, %d nodes", n, len(c.nodes))
		}
	})
}

// TestAllAddressesChange: one node after the other under live clients, then all
// at once.
func TestAllAddressesChange(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		w := c.crew(8, 3*time.Second)
		defer w.end()
		for i := 1; i <= 3; i++ {
			old := c.nodes[name(i)]
			w.without(old)
			old.halt(t)
			delete(c.nodes, old.name)
			c.startAt(old.name, fmt.Sprint("10.0.1.", i), Config{BootstrapExpect: 3, Join: newHomes(1)})
			c.voting(3)
			w.meet()
			pass(3 * time.Second)
		}
		w.end()
		c.agree()
		for _, r := range c.nodes {
			c.kill(r)
		}
		for i := 1; i <= 3; i++ {
			c.startAt(name(i), fmt.Sprint("10.0.2.", i), Config{BootstrapExpect: 3, Join: newHomes(2)})
		}
		c.voting(3)
		c.agree()
		c.grant(c.leader(), "after", time.Minute)
		var view wire.Cluster
		c.must(c.follower(), "GET", wire.PathCluster, nil, 200).into(t, &view)
		for _, n := range view.Nodes {
			if n.HTTPAddr[:7] != "10.0.2." || n.RaftAddr[:7] != "10.0.2." {
				t.Errorf("%+v", n)
			}
		}
	})
}

// newHomes are the gossip addresses of three nodes in a network of tests, and of
// the ones before.
func newHomes(network int) (join []string) {
	for i := 1; i <= 3; i++ {
		join = append(join, fmt.Sprintf("10.0.%d.%d:7702", network, i))
		if network == 1 {
			join = append(join, host(i)+":7702")
		}
	}
	return join
}
