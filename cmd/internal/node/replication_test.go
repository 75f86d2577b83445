package node

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// TestAReturnedNodeCountsAtOnce: with Raft's own patience a node that was away
// for long is replicated to again only up to 10 s after it is back, and until
// then the loss of another leaves no majority.
func TestAReturnedNodeCountsAtOnce(t *testing.T) {
	for _, away := range []time.Duration{20 * time.Second, 23 * time.Second, 26 * time.Second, 29 * time.Second} {
		bubble(t, func(c *cluster) {
			c.three()
			leader := c.leader()
			first := c.follower()
			c.kill(first)
			pass(away)
			back := time.Now()
			c.startAt(first.name, first.host, Config{BootstrapExpect: 3})
			pass(500 * time.Millisecond)
			for _, r := range c.nodes {
				if r != leader && r.name != first.name {
					c.kill(r)
				}
			}
			for {
				a, err := c.do(leader, "PUT", "/v1/leases/x", wire.Registration{})
				if err == nil && a.status == 201 {
					break
				}
				if time.Since(back) > 3*time.Second {
					c.t.Fatalf("away for %v: nothing is committed %v after two of three are there", away, time.Since(back))
				}
				pass(50 * time.Millisecond)
			}
		})
	}
}

// TestReplicationGivesUp: a try does not outlive the leadership in which it was
// made, nor wait for ever for a peer that is gone.
func TestReplicationGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var term atomic.Uint64
		r := newReplication(nil, func(asked uint64) bool { return term.Load() == asked })
		term.Store(7)
		began := time.Now()
		if r.awaitHeartbeat("n2", 7) || time.Since(began) > replicationWait+replicationLook {
			t.Errorf("nobody answered; it took %v", time.Since(began))
		}
		time.AfterFunc(time.Second, func() { term.Store(8) })
		began = time.Now()
		if r.awaitHeartbeat("n2", 7) || time.Since(began) > time.Second+replicationLook {
			t.Errorf("another term began; it took %v", time.Since(began))
		}
		time.AfterFunc(time.Second, func() { r.heard("n3"); r.heard("n2") })
		began = time.Now()
		if !r.awaitHeartbeat("n2", 8) || time.Since(began) != time.Second {
			t.Errorf("it answered; it took %v", time.Since(began))
		}
	})
	for _, args := range []*raft.AppendEntriesRequest{{PrevLogEntry: 1}, {LeaderCommitIndex: 1}, {Entries: []*raft.Log{{}}}} {
		if isHeartbeat(args) {
			t.Errorf("%+v is taken for a heartbeat", args)
		}
	}
}
