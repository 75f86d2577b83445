//go:build e2e

package e2e_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// span is when a grant was asked for and when it was acknowledged.
type span struct{ sent, acked time.Time }

func TestThousandsThatFallSilentAtOnceEndOnTime(t *testing.T) {
	const (
		leases = 3_000
		ttl    = 3 * time.Second
	)
	c := startCluster(t, 3)
	granted := grantMany(t, c.endpoints(), leases, ttl)
	eventually(t, 30*time.Second, "all of them end", func() bool {
		var page wire.AlivePage
		return get(c[0].endpoint(), wire.PathAlive+"?service=mass&limit=1", &page).ok() && page.Count == 0
	})
	var late []time.Duration
	for id, s := range granted {
		var lease wire.Lease
		if a := get(c[0].endpoint(), wire.PathLeases+"/"+id, &lease); !a.ok() || lease.Certificate == nil {
			t.Fatalf("%s: %s, no certificate", id, a)
		}
		ended := lease.Certificate.At.Time()
		if early := s.sent.Add(ttl).Sub(ended); early > time.Millisecond { // the stamp is cut to milliseconds
			t.Errorf("%s ended %v before its TTL had passed since it was asked for", id, early)
		}
		late = append(late, ended.Sub(s.acked.Add(ttl)))
	}
	slices.Sort(late)
	p99 := late[len(late)*99/100]
	t.Logf("lateness after acknowledgement + TTL: p50 %v, p99 %v, max %v", late[len(late)/2], p99, late[len(late)-1])
	if p99 > 250*time.Millisecond {
		t.Errorf("p99 of the lateness is %v, want at most 250 ms", p99)
	}
}

func grantMany(t *testing.T, endpoints []string, n int, ttl time.Duration) map[string]span {
	t.Helper()
	var (
		workers sync.WaitGroup
		mu      sync.Mutex
		granted = make(map[string]span)
	)
	for w := range 64 {
		workers.Go(func() {
			for i := w; i < n; i += 64 {
				id, sent := fmt.Sprintf("mass-%d", i), time.Now()
				_, a := register(endpoints[i%len(endpoints)], id, wire.Registration{Service: "mass", TTLMS: ttl.Milliseconds()})
				acked := time.Now()
				if !a.ok() {
					t.Errorf("register %s: %s", id, a)
					return
				}
				mu.Lock()
				granted[id] = span{sent, acked}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return granted
}

func TestOneNodeOfThreeLeft(t *testing.T) {
	for _, who := range []string{"a follower", "the leader"} {
		t.Run(who, func(t *testing.T) {
			c := startCluster(t, 3)
			left := c.leader(t)
			if who == "a follower" {
				left = c.others(left)[0]
			}
			acked := silent(t, left.endpoint(), 10, 2*time.Second)
			for _, p := range c.others(left) {
				p.kill()
			}
			checkMinority(t, left, len(acked))
			c.others(left)[0].start()
			c.awaitReady(t, 20*time.Second)
			firstCommit(t, []string{left.endpoint()})
			eventually(t, 20*time.Second, "the silent are buried once there is a quorum", func() bool {
				var page wire.AlivePage
				return get(left.endpoint(), wire.PathAlive+"?service=silent", &page).ok() && page.Count == 0
			})
		})
	}
}

// checkMinority checks what a node without a quorum answers, for longer than
// the TTL of the leases.
func checkMinority(t *testing.T, left *process, leases int) {
	t.Helper()
	refused := []struct {
		method, path string
		body         any
	}{
		{"PUT", wire.PathLeases + "/new", wire.Registration{}},
		{"POST", wire.PathLeases + "/silent-0/heartbeat", wire.Heartbeat{Epoch: 1, Seq: 1}},
		{"POST", wire.PathHeartbeats, wire.Heartbeats{Beats: [][2]uint64{{1, 1}}}},
		{"DELETE", wire.PathLeases + "/silent-0?evict=true", nil},
		{"GET", wire.PathAlive + "?consistency=leader", nil},
		{"GET", wire.PathAlive + "?consistency=linearizable", nil},
	}
	for started := time.Now(); time.Since(started) < 6*time.Second; {
		for _, r := range refused {
			a := ask(r.method, left.endpoint(), r.path, r.body, nil, 5*time.Second)
			if a.problem.Code != wire.CodeNoLeader || a.took > 2*time.Second+200*time.Millisecond {
				t.Errorf("%s %s: %s, want no_leader within 2 s", r.method, r.path, a)
			}
		}
		var page wire.AlivePage
		if a := get(left.endpoint(), wire.PathAlive+"?service=silent", &page); !a.ok() || page.Count != leases {
			t.Errorf("local read: %s, %d alive, want %d", a, page.Count, leases)
		}
	}
}
