package api_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// lagging is a follower: its renewals are the leader's, its replica may be older.
type lagging struct {
	*node
	old  *registry.Replica
	lags atomic.Bool
}

func (l *lagging) View(f func(*registry.Replica, time.Duration)) {
	if l.lags.Load() {
		f(l.old, 0)
		return
	}
	l.node.View(f)
}

// TestALeaseThatIsNotHereYetIsNotLost: a session renews on a node that has not
// heard of the lease yet. It has not ended, and its end is told when it comes.
func TestALeaseThatIsNotHereYetIsNotLost(t *testing.T) {
	n := &lagging{node: newNode(), old: registry.NewReplica("n1")}
	c := serve(t, api.Config{Node: n})
	n.run(t)
	l := c.session()
	l.silent() // the endings are followed from now on
	epoch := n.do(&registry.Grant{NS: wire.DefaultNS, ID: "a", TTL: 10_000}).Lease.Epoch
	n.lags.Store(true)
	l.ask("heartbeat", object{"id": "a", "epoch": epoch, "seq": 1}).ok(t)
	l.silent()
	n.lags.Store(false)
	c.mail("a", `{"body":1}`)
	if got := l.mailed("a", 1); got != "1" {
		t.Fatalf("pushed %s", got)
	}
	c.do("DELETE", fmt.Sprintf("/v1/leases/a?epoch=%d", epoch), "").is(200)
	if lost := l.push(wire.OpLost); lost["id"] != "a" || lost["certificate"] == nil {
		t.Fatalf("lost %v", lost)
	}
}
