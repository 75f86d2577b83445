package clientsdk

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// crew is a gateway with n devices, d0 and so on, granted.
func crew(t *testing.T, b *bench, n int, config GatewayConfig) *Gateway {
	t.Helper()
	g, err := NewGateway(b.client, config)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		_, err := g.Grant(t.Context(), fmt.Sprintf("d%d", i), wire.Registration{TTLMS: testTTL.Milliseconds()})
		if err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func TestGatewayRenewsWhoIsHeard(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		results := new(journal[[]BeatResult])
		g := crew(t, b, 50, GatewayConfig{OnResults: results.add})
		b.forgetHits()
		for range 100 { // d0 to d48 are heard, d49 is not
			for i := range 49 {
				if err := g.Beat(fmt.Sprintf("d%d", i)); err != nil {
					t.Fatal(err)
				}
			}
			pass(testTTL / 3)
		}
		for i := range 49 {
			if l := b.lease(fmt.Sprintf("d%d", i)); !l.live || l.seq != 100 {
				t.Errorf("d%d: live %v, seq %d", i, l.live, l.seq)
			}
		}
		if b.lease("d49").live {
			t.Error("d49 was not heard, and lives")
		}
		if n := len(b.record("POST")); n != 100 {
			t.Errorf("%d requests for 100 rounds", n)
		}
		first := results.all()[0]
		if len(first) != 49 || !first[0].Acknowledged() || first[0].Seq != 1 || first[0].Pending != 1 || first[0].ID != "d0" {
			t.Errorf("the first round's results: %+v", first)
		}
	})
}

func TestGatewaySplitsBatches(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		g := crew(t, b, 25, GatewayConfig{Batch: 10})
		b.forgetHits()
		for i := range 25 {
			_ = g.Beat(fmt.Sprintf("d%d", i))
		}
		pass(time.Second)
		sizes := map[int]int{}
		for _, h := range b.record("POST") {
			sizes[len(h.body)/beatSize]++
		}
		if sizes[10] != 2 || sizes[5] != 1 {
			t.Errorf("requests by size: %v, want two of 10 and one of 5", sizes)
		}
	})
}

func TestGatewayNeverHasTwoBeatsOfOneLeaseOnTheirWay(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		results := new(journal[[]BeatResult])
		g := crew(t, b, 1, GatewayConfig{OnResults: results.add, Workers: 4})
		b.forgetHits()
		b.all(func(n *modelNode) { n.delay = time.Second })
		var heard time.Time
		for range 20 {
			heard = time.Now()
			_ = g.Beat("d0")
			pass(100 * time.Millisecond)
		}
		pass(5 * time.Second)
		beats := b.record("POST")
		if last := beats[len(beats)-1].at; last.Before(heard) {
			t.Errorf("the last request left at %v, before the device was last heard at %v", last, heard)
		}
		for i, h := range beats[1:] {
			if gap := h.at.Sub(beats[i].at); gap < time.Second {
				t.Errorf("request %d left %v after the one before", i+1, gap)
			}
		}
		for _, r := range results.all() {
			if !r[0].Acknowledged() {
				t.Errorf("result %+v", r[0])
			}
		}
		if seq := b.lease("d0").seq; seq != uint64(len(beats)) {
			t.Errorf("seq %d after %d requests", seq, len(beats))
		}
	})
}

func TestGatewayTellsWhoIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		results := new(journal[[]BeatResult])
		g := crew(t, b, 3, GatewayConfig{OnResults: results.add})
		b.with(func(c *cluster) { c.end(c.leases["d1"], Expired) })
		for i := range 3 {
			_ = g.Beat(fmt.Sprintf("d%d", i))
		}
		pass(time.Second)
		for _, r := range results.all()[0] {
			if want := r.ID == "d1"; r.Gone() != want || r.Acknowledged() == want {
				t.Errorf("%+v", r)
			}
		}
		if err := g.Beat("d1"); !errors.Is(err, ErrNotTracked) || g.Tracked() != 2 {
			t.Errorf("still tracked: %v, %d in all", err, g.Tracked())
		}
	})
}

func TestGatewaySendsTheSameBeatsAgain(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		results := new(journal[[]BeatResult])
		b.client = b.dial(t, "http://n1", "http://n2")
		g := crew(t, b, 3, GatewayConfig{OnResults: results.add})
		b.forgetHits()
		b.all(func(n *modelNode) { n.lose = 1 })
		for i := range 3 {
			_ = g.Beat(fmt.Sprintf("d%d", i))
		}
		pass(5 * time.Second)
		posts := b.record("POST")
		if len(posts) != 3 || posts[0].body != posts[2].body || posts[0].node == posts[1].node {
			t.Fatalf("%d requests, want one batch three times", len(posts))
		}
		for _, r := range results.all()[0] {
			if !r.Acknowledged() || !r.Sent.Equal(posts[0].at) {
				t.Errorf("%+v, want acknowledged and counted from the first try at %v", r, posts[0].at)
			}
		}
	})
}

func TestGatewayReportsWhatGotNoAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		results := new(journal[[]BeatResult])
		g := crew(t, b, 1, GatewayConfig{OnResults: func(r []BeatResult) { results.add(r); panic("in OnResults") }})
		b.all(func(n *modelNode) { n.noLeader = true })
		_ = g.Beat("d0")
		pass(10 * time.Second)
		b.all(func(n *modelNode) { n.noLeader = false })
		_ = g.Beat("d0")
		pass(time.Second)
		got := results.all()
		if len(got) != 2 || !IsNoLeader(got[0][0].Err) || got[0][0].Acknowledged() {
			t.Fatalf("results %+v", got)
		}
		if !got[1][0].Acknowledged() || got[1][0].Seq != 2 {
			t.Errorf("after the outage %+v", got[1][0])
		}
	})
}

func TestGatewayIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		if _, err := NewGateway(b.client, GatewayConfig{Batch: wire.MaxBeats + 1}); !IsInvalid(err) {
			t.Errorf("a batch too large: %v", err)
		}
		g := crew(t, b, 2, GatewayConfig{Leases: 2})
		if err := g.Track("d2", 7, 0); !errors.Is(err, ErrGatewayFull) {
			t.Errorf("a third lease: %v", err)
		}
		if err := g.Track("d1", 999, 0); err != nil {
			t.Errorf("another epoch of a tracked one: %v", err)
		}
		for range 100 {
			_ = g.Beat("d0")
			_ = g.Beat("d1")
			g.Forget("d1")
			_ = g.Track("d1", 999, 0)
		}
		g.mu.Lock()
		if n := g.queue.Len(); n > 2 {
			t.Errorf("%d wait, of two leases", n)
		}
		g.mu.Unlock()
		synctest.Wait()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
}
