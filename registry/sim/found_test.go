package sim

import (
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// What the simulator found in the registry, made small.

// A lease that is renewed right after a restart ends as punctually as any:
// its load allowed for a lease clock that might have been read up to a cap
// ago, and the wheel kept that. (Seed 135: late by 254 ms.)
func TestRenewedRightAfterALoad(t *testing.T) {
	const ttl = 2 * time.Second
	apply := func(r *registry.Replica, index uint64, mono time.Duration, c registry.Command) {
		r.Apply(registry.Position{Index: index, Term: 1}, &registry.Entry{Proposer: "n1", Commands: []registry.Command{c}}, mono)
	}
	before := registry.NewReplica("n1")
	apply(before, 1, 0, &registry.Grant{NS: ns, ID: "c0", TTL: uint32(ttl / time.Millisecond)})

	r := registry.NewReplica("n1")
	before.Flush(func(k registry.Kind, key, value []byte) {
		if err := r.Load(k, key, value); err != nil {
			t.Fatal(err)
		}
	})
	if err := r.Loaded(); err != nil {
		t.Fatal(err)
	}
	apply(r, 2, 0, &registry.Renew{Beats: registry.Beats{}.Append(1, 1)})
	r.Lead(1)
	apply(r, 3, 0, &registry.Serve{Term: 1, ClusterID: "c"})
	for mono := time.Duration(0); mono < 2*ttl; mono += registry.TickEvery {
		r.Tick(mono)
		if x, _ := r.Due(mono, 1, nil); x != nil {
			if late := mono - ttl; late > 160*time.Millisecond { // margin, wheel, ticks
				t.Errorf("due %v after its TTL", late)
			}
			return
		}
	}
	t.Error("never due")
}
