package node

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// TestFollowersKnowOfAFullDiskOfTheLeader: what would fill it is refused where
// it arrives, and nothing else is.
func TestFollowersKnowOfAFullDiskOfTheLeader(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		follower := c.follower()
		pulse := func(spaceLow uint64) {
			if _, err := follower.heardPulse(pulse{Term: follower.store.Term(), SpaceLow: spaceLow}.pack(), time.Time{}); err != nil {
				c.t.Fatal(err)
			}
		}
		for _, cmd := range []registry.Command{&registry.Grant{}, &registry.Send{}, &registry.Requeue{}} {
			pulse(1)
			if err := follower.admit(cmd); !errors.Is(err, api.ErrOverloaded) {
				c.t.Errorf("%T with a full disk of the leader: %v", cmd, err)
			}
			pulse(0)
			if err := follower.admit(cmd); err != nil {
				c.t.Errorf("%T with room: %v", cmd, err)
			}
		}
		pulse(1)
		if err := follower.admit(&registry.Leave{}); err != nil {
			c.t.Errorf("a leave: %v", err)
		}
	})
}
