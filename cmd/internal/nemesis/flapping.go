//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/history"
)

// flapTTL is that of leases that come and go.
const flapTTL = 6 * time.Second

// flapper takes a lease, renews it a little, and then gives it back, takes it
// over from itself or just goes away. What it had before never works again.
type flapper struct {
	*fleet
	id     string
	client int
	life   int
	epoch  uint64
	seq    uint64
	past   uint64 // an epoch that was fenced off
}

func newFlapper(f *fleet, i int) *flapper {
	return &flapper{fleet: f, id: fmt.Sprint("flap-", i), client: f.number()}
}

func (p *flapper) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !p.register(ctx) {
			continue
		}
		p.readBack(ctx)
		for range rand.IntN(4) {
			p.renew(ctx)
			pass(ctx, rand.N(time.Second))
		}
		p.haunt(ctx)
		switch rand.IntN(3) {
		case 0:
			p.leave(ctx)
			pass(ctx, rand.N(time.Second))
		case 1:
			pass(ctx, rand.N(2*flapTTL))
		}
	}
}

func (p *flapper) register(ctx context.Context) bool {
	p.life++
	key := fmt.Sprint(p.id, "-", p.life)
	begin := func() recorded { return p.ops.Grant(p.client, p.id, history.Terms{Key: key, TTL: flapTTL}) }
	a, _ := p.insist(ctx, begin, request{
		method: http.MethodPut, path: wire.PathLeases + "/" + p.id, key: key, within: 2 * time.Second,
		body: wire.Registration{Service: "flap", TTLMS: flapTTL.Milliseconds(), Meta: map[string]string{"life": key}},
	})
	var g wire.Grant
	if !a.ok() || a.into(&g) != nil {
		return false
	}
	if g.Epoch <= p.epoch {
		p.ledger.find(twice, "%s was granted epoch %d after %d", p.id, g.Epoch, p.epoch)
	}
	p.past, p.epoch, p.seq = p.epoch, g.Epoch, 0
	return true
}

// readBack looks for its grant on some node that has to have it.
func (p *flapper) readBack(ctx context.Context) {
	a := p.ask(ctx, p.somewhere(), get(fmt.Sprintf("%s/%s?min_revision=%d", wire.PathLeases, p.id, p.epoch), 2*time.Second))
	var l wire.Lease
	switch {
	case a.open():
	case !a.ok() || a.into(&l) != nil:
		p.ledger.find(lost, "%s, epoch %d, at that revision: %s", p.id, p.epoch, a.text())
	case l.Epoch != p.epoch:
		p.ledger.find(lost, "%s has epoch %d where %d was granted: %s", p.id, l.Epoch, p.epoch, a.text())
	}
}

func (p *flapper) renew(ctx context.Context) {
	epoch, seq := p.epoch, p.seq+1
	begin := func() recorded { return p.ops.Renew(p.client, p.id, epoch, seq) }
	a, _ := p.insist(ctx, begin, request{
		method: http.MethodPost, path: wire.PathLeases + "/" + p.id + "/heartbeat", within: time.Second,
		body: wire.Heartbeat{Epoch: epoch, Seq: seq},
	})
	if a.ok() {
		p.seq = seq
	}
}

// haunt sends a beat, and a leave, of the epoch before. What the leave may be
// answered, and that it changes nothing, the history knows.
func (p *flapper) haunt(ctx context.Context) {
	if p.past == 0 {
		return
	}
	a := p.ask(ctx, p.somewhere(), request{
		method: http.MethodPost, path: wire.PathLeases + "/" + p.id + "/heartbeat", within: time.Second,
		body: wire.Heartbeat{Epoch: p.past, Seq: 100}, op: p.ops.Renew(p.client, p.id, p.past, 100),
	})
	if a.ok() {
		p.ledger.find(twice, "%s renewed epoch %d after %d was granted: %s", p.id, p.past, p.epoch, a.text())
	}
	r := p.leaving(p.past)
	r.op = p.ops.Leave(p.client, p.id, p.past)
	p.ask(ctx, p.somewhere(), r)
}

func (p *flapper) leaving(epoch uint64) request {
	return request{
		method: http.MethodDelete, path: fmt.Sprintf("%s/%s?epoch=%d", wire.PathLeases, p.id, epoch), within: 2 * time.Second,
	}
}

func (p *flapper) leave(ctx context.Context) {
	epoch := p.epoch
	a, _ := p.insist(ctx, func() recorded { return p.ops.Leave(p.client, p.id, epoch) }, p.leaving(epoch))
	var c wire.Certificate
	if a.ok() && (a.into(&c) != nil || c.Epoch != epoch || c.LastSeq < p.seq) {
		p.ledger.find(lost, "%s left epoch %d with seq %d: %s", p.id, epoch, p.seq, a.text())
	}
}
