//go:build linux

package main

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// reader asks for steady leases, linearizably or locally, and holds each answer
// against what their holders know.
type reader struct {
	*fleet
	client int
}

func (r *reader) run(ctx context.Context) {
	for ctx.Err() == nil {
		h := r.holders[rand.IntN(len(r.holders))]
		if rand.IntN(2) == 0 {
			r.linearizable(ctx, h)
		} else {
			r.local(ctx, h)
		}
		pass(ctx, rand.N(100*time.Millisecond))
	}
}

func (r *reader) linearizable(ctx context.Context, h *holder) {
	h.mu.Lock()
	epoch, least := h.epoch, max(h.acked, h.seen)
	h.mu.Unlock()
	q := get(wire.PathLeases+"/"+h.id+"?consistency=linearizable", 2*time.Second)
	q.op = r.ops.Get(r.client, h.id)
	a := r.ask(ctx, r.somewhere(), q)
	var l wire.Lease
	if epoch == 0 || a.open() || !a.ok() || a.into(&l) != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.epoch != epoch || l.Epoch > epoch || l.Certificate != nil:
	case l.Epoch != epoch || l.Seq < least:
		r.ledger.find(stale, "a linearizable read on %s of %s shows seq %d of epoch %d, %d of %d was there before it began",
			a.header.Get(wire.HeaderNode), h.id, l.Seq, l.Epoch, least, epoch)
	case l.Seq > h.begun:
		r.ledger.find(twice, "%s has seq %d, only %d was sent", h.id, l.Seq, h.begun)
	default:
		h.seen = max(h.seen, l.Seq)
	}
}

// local checks that a node which says how old its view is does not lie.
func (r *reader) local(ctx context.Context, h *holder) {
	a := r.ask(ctx, r.somewhere(), get(wire.PathLeases+"/"+h.id, 2*time.Second))
	var l wire.Lease
	if !a.ok() || a.into(&l) != nil || l.Certificate != nil {
		return
	}
	age, err := strconv.ParseUint(a.header.Get(wire.HeaderStaleness), 10, 64)
	if err != nil {
		r.ledger.find(stale, "staleness: %v", err)
		return
	}
	if age == wire.Unknown {
		return
	}
	asOf := a.sent.Add(-time.Duration(age+1) * time.Millisecond)
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.Epoch != h.epoch {
		return
	}
	for _, p := range h.proofs {
		if p.got.Before(asOf) && l.Seq < p.seq {
			r.ledger.find(stale, "a local read on %s of %s that claims to be %d ms old shows seq %d, %d was acknowledged %v before it was asked",
				a.header.Get(wire.HeaderNode), h.id, age, l.Seq, p.seq, a.sent.Sub(p.got))
		}
	}
}
