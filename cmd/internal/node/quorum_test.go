package node

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// TestLinearizableReadsAreOfALaterEntry: a deposed leader that was stopped for a
// while answers before it has heard of its deposition, unless what it answers
// with had to be committed first.
func TestLinearizableReadsAreOfALaterEntry(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		for _, r := range c.nodes {
			before := c.leader().store.Committed()
			ctx, cancel := context.WithTimeout(c.t.Context(), patience)
			index, err := r.readIndex(ctx, true)
			cancel()
			if err != nil || index <= before {
				c.t.Errorf("%s would read at %d (%v), committed before was %d", r.name, index, err, before)
			}
		}
		old := c.leader()
		c.isolate(old)
		for _, linearizable := range []bool{true, false} {
			ctx, cancel := context.WithTimeout(c.t.Context(), patience)
			if index, err := old.readIndex(ctx, linearizable); !errors.Is(err, api.ErrNoLeader) {
				c.t.Errorf("cut off, it would read at %d (%v)", index, err)
			}
			cancel()
		}
		c.rejoin(old)
	})
}

// TestOnlyAServingLeaderVouches: what a new leader knows to be committed may be
// less than what was acknowledged.
func TestOnlyAServingLeaderVouches(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		leader := c.leader()
		term := leader.serving.Load()
		if got := leader.vouched(term); got == 0 || got != leader.store.Committed() {
			c.t.Errorf("the leader vouches for %d", got)
		}
		if got := leader.vouched(term + 1); got != 0 {
			c.t.Errorf("elected again and not serving yet, it vouches for %d", got)
		}
		f := c.follower()
		c.isolate(f)
		pass(2 * leaderSilence) // no pulse comes any more
		f.horizon = horizon{}
		p := pulse{Term: term, N: 1}
		if _, err := f.heardPulse(p.pack(), time.Now()); err != nil {
			c.t.Fatal(err)
		}
		if stale, known := f.horizon.staleness(f.store.Applied()); known {
			c.t.Errorf("a leader that vouches for nothing made the view %v old", stale)
		}
	})
}

// TestOrdersWithoutAQuorum: an operator gets an answer within 2 s, too.
func TestOrdersWithoutAQuorum(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		last := c.leader()
		for _, r := range c.nodes {
			if r != last {
				c.isolate(r)
			}
		}
		for range 2 { // while it still leads, and after
			for _, q := range [][2]string{{"POST", "/v1/cluster/transfer"}, {"DELETE", "/v1/cluster/nodes/n1"}, {"GET", "/v1/cluster"}} {
				began := time.Now()
				a, err := c.do(last, q[0], q[1], nil)
				if err != nil || time.Since(began) > 2*time.Second || q[0] != "GET" && a.status < 400 {
					c.t.Errorf("%s %s: %d %s (%v) after %v", q[0], q[1], a.status, a.body, err, time.Since(began))
				}
			}
			pass(time.Second)
		}
		for _, r := range c.nodes {
			c.rejoin(r)
		}
	})
}

func TestATransferNamesTheNextLeader(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		for i, ask := range []func() *running{c.leader, c.follower, c.leader} {
			old := c.leader().name
			var got wire.Transferred
			c.must(ask(), "POST", "/v1/cluster/transfer", nil, 200).into(c.t, &got)
			if got.Leader == old || c.nodes[got.Leader] == nil {
				c.t.Errorf("transfer %d from %s is said to have gone to %q", i, old, got.Leader)
			}
		}
	})
}

// TestARemovedNodeEnds: also the leader; the others go on.
func TestARemovedNodeEnds(t *testing.T) {
	bubble(t, func(c *cluster) {
		for i := 1; i <= 5; i++ {
			c.start(i, 3)
		}
		c.ready()
		g := c.grant(c.leader(), "web-1", 10*time.Second)
		for seq, pick := range []func() *running{c.follower, c.leader} {
			gone, by := pick(), c.follower()
			for by == gone {
				by = c.leader()
			}
			c.must(by, "DELETE", "/v1/cluster/nodes/"+gone.name, nil, 200)
			select {
			case err := <-gone.done:
				if err == nil {
					c.t.Errorf("%s ended without a reason", gone.name)
				}
			case <-time.After(10 * time.Second):
				c.t.Fatalf("%s goes on after its removal", gone.name)
			}
			delete(c.nodes, gone.name)
			for _, r := range c.nodes {
				c.renew(r, "web-1", g.Epoch, uint64(seq+1))
			}
		}
		for _, r := range c.nodes {
			if l := c.state(r, "web-1"); l.State != "alive" || l.Seq != 2 {
				c.t.Errorf("%s shows %s", r.name, fmt.Sprint(l))
			}
		}
	})
}
