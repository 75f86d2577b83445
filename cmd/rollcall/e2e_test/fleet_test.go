//go:build e2e || e2e_docker

package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// holder keeps one lease alive as a plain client would: a heartbeat every now
// and then, the same seq again at another endpoint until it is acknowledged.
type holder struct {
	id    string
	epoch uint64
	seq   uint64    // acknowledged last
	acked time.Time // when the request was sent that was acknowledged last
}

// fleet is many holders. A lease of theirs that the cluster ends is a false
// death.
type fleet struct {
	endpoints []string
	ttl       time.Duration
	every     time.Duration

	holders []*holder
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	deaths []string
	worst  time.Duration // longest time between two acknowledged renewals
}

// launch registers n leases and begins to renew them.
func launch(t *testing.T, endpoints []string, n int, ttl, every time.Duration) *fleet {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &fleet{endpoints: endpoints, ttl: ttl, every: every, cancel: cancel}
	t.Cleanup(f.land)
	var registering sync.WaitGroup
	slots := make(chan struct{}, 64)
	failed := make(chan string, n)
	for i := range n {
		h := &holder{id: fmt.Sprintf("live-%d", i)}
		f.holders = append(f.holders, h)
		registering.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			sent := time.Now()
			g, a := register(endpoints[i%len(endpoints)], h.id, wire.Registration{Service: "live", TTLMS: ttl.Milliseconds()})
			for n := 1; n < len(endpoints) && a.status == 0; n++ { // nobody is there yet
				sent = time.Now()
				g, a = register(endpoints[(i+n)%len(endpoints)], h.id, wire.Registration{Service: "live", TTLMS: ttl.Milliseconds()})
			}
			if !a.ok() {
				failed <- a.String()
				return
			}
			h.epoch, h.acked = g.Epoch, sent
			f.running.Go(func() { f.keep(ctx, h, i) })
		})
	}
	registering.Wait()
	select {
	case a := <-failed:
		t.Fatalf("register: %s", a)
	default:
	}
	return f
}

// keep renews one lease until ctx ends or the lease does.
func (f *fleet) keep(ctx context.Context, h *holder, at int) {
	pass(ctx, rand.N(f.every))
	for ctx.Err() == nil {
		sent := time.Now()
		_, a := heartbeat(f.endpoints[at%len(f.endpoints)], h.id, h.epoch, h.seq+1, f.ttl/6)
		switch {
		case a.ok():
			f.renewed(h, sent)
			pass(ctx, f.every-time.Since(sent))
		case a.status == 404 || a.status == 409 || a.status == 410:
			f.died(h, a)
			return
		default:
			at++
			pass(ctx, 50*time.Millisecond)
		}
	}
}

func (f *fleet) renewed(h *holder, sent time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.worst = max(f.worst, sent.Sub(h.acked))
	h.seq++
	h.acked = sent
}

func (f *fleet) died(h *holder, a answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deaths = append(f.deaths, fmt.Sprintf("%s, seq %d, %v after its last acknowledged renewal: %s %+v",
		h.id, h.seq, time.Since(h.acked), a, a.problem.Certificate))
}

// land ends the renewing.
func (f *fleet) land() {
	f.cancel()
	f.running.Wait()
}

// checkAlive fails the test if a lease died, and waits until all were renewed
// after this call.
func (f *fleet) checkAlive(t *testing.T) {
	t.Helper()
	since := time.Now()
	eventually(t, f.every+10*time.Second, "every holder renews, or died", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		late := 0
		for _, h := range f.holders {
			if h.acked.Before(since) {
				late++
			}
		}
		return late == len(f.deaths)
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.deaths) > 0 {
		t.Fatalf("%d of %d live leases died; the first: %s", len(f.deaths), len(f.holders), f.deaths[0])
	}
	t.Logf("%d leases of TTL %v live; the longest time without an acknowledged renewal was %v", len(f.holders), f.ttl, f.worst)
}
