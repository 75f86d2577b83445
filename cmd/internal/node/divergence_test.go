package node

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// TestANodeThatDiffersEnds: whose replica is not the majority's serves no
// longer, be it a follower or the leader, and says what to do (promise 10).
func TestANodeThatDiffersEnds(t *testing.T) {
	for what, pick := range map[string]func(*cluster) *running{"follower": (*cluster).follower, "leader": (*cluster).leader} {
		t.Run(what, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				c.three()
				g := c.grant(c.leader(), "web-1", time.Minute)
				bad := pick(c)
				bad.store.Judge(func(r *registry.Replica, mono time.Duration) { // as a flipped bit would
					_, wall := r.Now()
					r.Apply(registry.Position{Index: r.Index() + 1, Term: bad.store.Term()}, &registry.Entry{Wall: wall + 1, Advance: 7}, mono)
				})
				select {
				case err := <-bad.done:
					if err == nil || !strings.Contains(err.Error(), "differs from the majority's") || !strings.Contains(err.Error(), bad.cfg.DataDir) {
						c.t.Errorf("it ended with %v", err)
					}
				case <-time.After(3 * checkEvery):
					c.t.Fatal("it goes on")
				}
				delete(c.nodes, bad.name)
				c.renew(c.follower(), "web-1", g.Epoch, 1)
				c.same()
			})
		})
	}
}
