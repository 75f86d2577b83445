package clientsdk

import (
	"context"
	"errors"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// beat is one heartbeat: all its tries carry the same seq, so that it takes
// effect once, whichever try arrives.
type beat struct {
	seq  uint64
	sent instant // of its first try
	open bool    // there was one
}

// renew sends heartbeats until the lease is lost (*LostError) or ctx ends.
func (k *keeper) renew(ctx context.Context) error {
	k.redrain(ctx)
	wait := k.due()
	for {
		if err := k.await(ctx, wait); err != nil {
			return err
		}
		if err := k.awaitWell(ctx); err != nil {
			return err
		}
		k.resume()
		began := time.Now()
		err := k.heartbeat(ctx)
		if _, gone := errors.AsType[*LostError](err); gone {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		wait = k.after(ctx, err, time.Since(began))
	}
}

// after settles the state that a heartbeat has led to, and says how long to
// wait for the next.
func (k *keeper) after(ctx context.Context, err error, taken time.Duration) time.Duration {
	valid := k.lease.Valid()
	switch {
	case err != nil:
		k.enter(Reconnecting, err)
		return k.pace.rest(valid, taken)
	case !valid:
		return k.pace.pause(1) // known to have been renewed, but too long ago
	}
	k.connected()
	k.redrain(ctx)
	return k.due()
}

// due is how long until the next heartbeat.
func (k *keeper) due() time.Duration {
	h := k.lease.held()
	return k.pace.every() - k.client.clock.since(h.base)
}

// heartbeat renews the lease with the next seq, in up to three tries, each on
// another endpoint.
func (k *keeper) heartbeat(ctx context.Context) (err error) {
	k.seq++
	b := &beat{seq: k.seq}
	began := time.Now()
	for n := range heartbeatTries {
		if err := sleep(ctx, k.pace.pause(n)-time.Since(began)); err != nil {
			return err
		}
		began = time.Now()
		if err = k.tryBeat(ctx, b); err == nil || ctx.Err() != nil {
			return err
		}
		if gone := lostBy(err, k.lease.ID(), k.lease.held().epoch); gone != nil {
			return gone
		}
		k.skip(b, err)
	}
	return err
}

// tryBeat is one try of a heartbeat.
func (k *keeper) tryBeat(ctx context.Context, b *beat) error {
	h := k.lease.held()
	body := wire.Heartbeat{Epoch: h.epoch, Seq: b.seq}
	if k.rtt > 0 {
		body.RTTMS = new(float64(k.rtt) / float64(time.Millisecond))
	}
	c := heartbeatCall(h.id)
	c.direct = b.open
	c.limit = min(k.pace.try(), k.client.config.RequestTimeout)
	if err := c.setBody(body); err != nil {
		return err
	}
	var renewed wire.Renewed
	c.check = func() bool { return renewed.Epoch == h.epoch && renewed.TTLMS > 0 }
	r, err := k.client.attempt(ctx, k.ends, c, &renewed)
	if !b.open {
		b.sent, b.open = r.sent, true
	}
	k.record(ctx, r.rtt, err)
	if err == nil {
		k.acknowledged(&renewed, b, r)
	}
	return err
}

// acknowledged counts T anew. A duplicate did not extend the lease: the try
// that did was sent no earlier than the first of this seq.
func (k *keeper) acknowledged(renewed *wire.Renewed, b *beat, r reply) {
	base := r.sent
	if renewed.Duplicate {
		base = b.sent
	}
	k.lease.renewed(renewed, base)
	k.pace.ttl = k.lease.TTL()
	k.rtt = r.rtt
}

// skip goes on after the cluster's seq, where it is ahead of ours (another
// process has this epoch, or this one was set back).
func (k *keeper) skip(b *beat, err error) {
	p, ok := errors.AsType[*wire.Problem](err)
	if !ok || p.Code != wire.CodeStaleSequence {
		return
	}
	if p.CurrentSeq != nil {
		k.seq = max(k.seq, *p.CurrentSeq)
	}
	k.seq++
	*b = beat{seq: k.seq}
}

// redrain drains the new grant of a lease that was drained before. If that
// fails, the next heartbeat brings it up again.
func (k *keeper) redrain(ctx context.Context) {
	if !k.drain {
		return
	}
	h := k.lease.held()
	ctx, cancel := context.WithTimeout(ctx, k.pace.try())
	defer cancel()
	_, err := k.client.Patch(ctx, h.id, wire.Patch{Epoch: h.epoch, State: new(stateDraining)})
	k.drain = err != nil
	if err != nil {
		k.client.log.Warn("the lease could not be drained again", "id", h.id, "error", err)
	}
}
