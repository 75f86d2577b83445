//go:build e2e

package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// TestMassesAreHeldAndReleased: when most of a protected service falls silent at
// once, the rest is held beyond its TTL and over the loss of the leader, who
// renews comes back to life, and an operator's word ends it.
func TestMassesAreHeldAndReleased(t *testing.T) {
	const masses = 60
	c := newCluster(t, 3, 3)
	for _, p := range c {
		p.args = append(p.args, "--protection", "service=masses,threshold=0.2,min=20,max-hold=10m,rate=0")
		p.start()
	}
	c.awaitReady(t, 30*time.Second)
	epochs := make(map[string]uint64)
	for i := range masses {
		id := fmt.Sprintf("mass-%d", i)
		g, a := register(c[i%3].endpoint(), id, wire.Registration{Service: "masses", TTLMS: 3000})
		if !a.ok() {
			t.Fatalf("register: %s", a)
		}
		epochs[id] = g.Epoch
	}
	eventually(t, 20*time.Second, "most are held", func() bool { return len(held(c[0])) >= masses/2 })
	c.leader(t).kill()
	for _, p := range c {
		if p.running() {
			checkHolds(t, p, epochs)
			return
		}
	}
}

// held lists who is held, as a node sees it.
func held(p *process) []wire.Lease {
	var page wire.AlivePage
	get(p.endpoint(), wire.PathAlive+"?service=masses&state=held&limit=1000", &page)
	return page.Alive
}

func checkHolds(t *testing.T, p *process, epochs map[string]uint64) {
	t.Helper()
	firstCommit(t, []string{p.endpoint()})
	list := held(p)
	if len(list) == 0 || list[0].HeldReason == "" {
		t.Fatalf("after the loss of the leader %d are held: %+v", len(list), list)
	}
	before := len(list)
	id := list[0].ID
	if _, a := heartbeat(p.endpoint(), id, epochs[id], 1, 2*time.Second); !a.ok() {
		t.Errorf("a held lease renews: %s", a)
	}
	eventually(t, 5*time.Second, "it is alive again", func() bool {
		var l wire.Lease
		return get(p.endpoint(), wire.PathLeases+"/"+id, &l).ok() && l.State == "alive"
	})
	throughout(t, 4*time.Second, "the others are still held", func() bool { return len(held(p)) >= before-1 })
	var view wire.Cluster
	if get(p.endpoint(), wire.PathCluster, &view); !view.Protection.Active || len(view.Protection.Holds) != 1 {
		t.Errorf("the cluster shows %+v", view.Protection)
	}
	var released wire.Released
	if a := ask("POST", p.endpoint(), wire.PathRelease+"?service=masses", nil, &released, 5*time.Second); !a.ok() || released.Released == 0 {
		t.Fatalf("release: %s %+v", a, released)
	}
	eventually(t, 20*time.Second, "nobody is held any more", func() bool { return len(held(p)) == 0 })
}
