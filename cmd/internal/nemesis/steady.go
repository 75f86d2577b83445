//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/history"
)

// steadyTTL is long enough for a machine that is busy with the test itself.
const steadyTTL = 8 * time.Second

// rounding is what stamps in whole milliseconds and a tick of the judge may
// differ from the truth.
const rounding = 50 * time.Millisecond

// holder keeps one lease as the contract asks: a renewal every third of its
// TTL, each try a sixth of it long, the same seq again at the next node after
// each failure. Such a lease never dies.
type holder struct {
	fleet  *fleet
	id     string
	client int
	life   int

	mu     sync.Mutex // guards what follows
	epoch  uint64     // 0 while it holds nothing
	acked  uint64     // seq of the last acknowledged renewal
	begun  uint64     // seq of the last renewal that was begun
	seen   uint64     // the highest seq that a linearizable read has shown
	since  time.Time  // when the first try of the last acknowledged one was sent
	told   time.Time  // when it was acknowledged
	proofs []proof
}

// proof is one acknowledged renewal.
type proof struct {
	seq uint64
	got time.Time
}

// maxProofs bounds what a holder remembers for reads that claim to be old.
const maxProofs = 64

func newHolder(f *fleet, i int) *holder {
	return &holder{fleet: f, id: fmt.Sprint("steady-", i), client: f.number()}
}

func (h *holder) run(ctx context.Context) {
	for ctx.Err() == nil {
		if h.register(ctx) {
			pass(ctx, rand.N(steadyTTL/3))
			h.keep(ctx)
		}
	}
}

// register takes the lease, a new life with a new key.
func (h *holder) register(ctx context.Context) bool {
	h.life++
	key := fmt.Sprint(h.id, "-", h.life)
	begin := func() recorded {
		return h.fleet.ops.Grant(h.client, h.id, history.Terms{Key: key, TTL: steadyTTL})
	}
	a, first := h.fleet.insist(ctx, begin, request{
		method: http.MethodPut, path: wire.PathLeases + "/" + h.id, key: key, within: steadyTTL / 6,
		body: wire.Registration{Service: "steady", TTLMS: steadyTTL.Milliseconds()},
	})
	var g wire.Grant
	if !a.ok() || a.into(&g) != nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epoch, h.acked, h.begun, h.seen = g.Epoch, 0, 0, 0
	h.since, h.told, h.proofs = first, a.got, nil
	return true
}

// keep renews until ctx ends, or the lease does.
func (h *holder) keep(ctx context.Context) {
	for at := rand.IntN(len(h.fleet.nodes)); ctx.Err() == nil; {
		first := time.Now()
		for ctx.Err() == nil {
			a := h.try(ctx, h.fleet.nodes[at%len(h.fleet.nodes)])
			if a.ok() {
				h.renewed(first, a.got)
				break
			}
			if !a.open() {
				h.died(&a)
				return
			}
			at++
			pass(ctx, retryEvery)
		}
		pass(ctx, steadyTTL/3-time.Since(first))
	}
}

func (h *holder) try(ctx context.Context, node string) answer {
	h.mu.Lock()
	epoch, seq := h.epoch, h.acked+1
	h.begun = seq
	h.mu.Unlock()
	return h.fleet.ask(ctx, node, request{
		method: http.MethodPost, path: wire.PathLeases + "/" + h.id + "/heartbeat",
		body: wire.Heartbeat{Epoch: epoch, Seq: seq}, within: steadyTTL / 6,
		op: h.fleet.ops.Renew(h.client, h.id, epoch, seq),
	})
}

func (h *holder) renewed(first, got time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acked++
	h.since, h.told = first, got
	h.proofs = append(h.proofs, proof{h.acked, got})
	h.proofs = h.proofs[max(0, len(h.proofs)-maxProofs):]
}

// excuse is how long the driver may stand still within the life of a renewal
// before a death says nothing: then some try was not made in time.
const excuse = steadyTTL / 6

// death notes that a lease died that was renewed for the last time at an
// instant, unless the driver itself did not run since.
func (f *fleet) death(since time.Time, format string, args ...any) {
	if stalled := f.clock.stalledSince(since); stalled > excuse {
		f.ledger.doubt(fmt.Sprintf(format, args...) + fmt.Sprintf(" (the driver stood still for %v)", stalled))
		return
	}
	f.ledger.find(early, format, args...)
}

// died notes the death of a lease that was kept as it should be.
func (h *holder) died(a *answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	epoch, since := h.epoch, h.since
	h.epoch = 0
	h.fleet.death(since, "%s, epoch %d, acknowledged seq %d, %v after that renewal was begun and %v after it was acknowledged: %s",
		h.id, epoch, h.acked, a.got.Sub(since), a.got.Sub(h.told), a.text())
}
