package api

import (
	"testing"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// TestSpared: a lease that ends while a request of the session may have done it
// is told of once, in the answer or as lost.
func TestSpared(t *testing.T) {
	id := registry.Identity{NS: "default", ID: "a"}
	certificate := &registry.Certificate{Epoch: 7}
	for _, test := range []struct {
		name        string
		early, mine bool // the event comes before the answer; the answer tells of it
		told        int
	}{
		{"by this session", false, true, 0},
		{"by this session, and the event is first", true, true, 0},
		{"by another, while the request fails", true, false, 1},
		{"by another, after the request failed", false, false, 1},
	} {
		c := &session{server: newHollow(t), wake: make(chan struct{}, 1)}
		c.room.L = &c.mu
		c.hold(7, id, false)
		if epoch := c.spare(id); epoch != 7 {
			t.Fatalf("%s: epoch %d", test.name, epoch)
		}
		c.spareEpoch(7)
		if test.early {
			c.lose(7, certificate)
		}
		c.unspare(7, false)
		c.unspare(7, test.mine)
		if !test.early {
			c.lose(7, certificate)
		}
		if got := len(c.holdings.lost); got != test.told {
			t.Errorf("%s: told %d times", test.name, got)
		}
		c.forsake()
	}
}
