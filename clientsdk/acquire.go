package clientsdk

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const (
	headerKey       = "Idempotency-Key"
	headerIfNone    = "If-None-Match"
	stateDraining   = "draining"
	anythingPresent = "*"
)

// intent is one intended new epoch. Its key makes all its tries one: an answer
// that was lost is given again, not granted a second time.
type intent struct {
	key  string
	sent instant // of the first try that may have taken effect
	open bool    // there was such a try
	told bool    // there was any try
}

func newIntent() *intent { return &intent{key: rand.Text()} }

// acquire registers until the lease is granted. It returns a *LostError where
// somebody else has the id, the refusal of a first grant, or the cause of
// ctx's end.
func (k *keeper) acquire(ctx context.Context) error {
	in := newIntent()
	for n := 0; ; n++ {
		if err := sleep(ctx, k.pace.registerPause(n)); err != nil {
			return err
		}
		if err := k.awaitWell(ctx); err != nil {
			return err
		}
		k.resume()
		err := k.tryAcquire(ctx, in)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		again, err := k.refused(ctx, err)
		if err != nil {
			return err
		}
		if again {
			in, n = newIntent(), -1
		}
	}
}

// tryAcquire is one try of a registration.
func (k *keeper) tryAcquire(ctx context.Context, in *intent) error {
	reg := k.lease.registration()
	id := k.lease.ID()
	o := GrantOptions{Key: in.key, Exclusive: reg.Exclusive || k.standBy}
	c := grantCall(id, o)
	c.direct, in.told = in.told, true
	c.limit = min(k.pace.registerTry(), k.client.config.RequestTimeout)
	if err := c.setBody(reg.wire()); err != nil {
		return err
	}
	var grant wire.Grant
	c.check = func() bool { return grant.Epoch != 0 && grant.TTLMS > 0 }
	r, err := k.client.attempt(ctx, k.ends, c, &grant)
	if !in.open && !hadNoEffect(err) {
		in.sent, in.open = r.sent, true
	}
	k.record(ctx, r.rtt, err)
	if err == nil {
		k.take(&grant, in.sent)
	}
	return err
}

// take begins the new epoch. It counts from the intent's first try, which may
// have been the one that took effect; if that is long ago, the first heartbeat
// is due at once, and only its acknowledgement means connected.
func (k *keeper) take(g *wire.Grant, sent instant) {
	k.lease.granted(g, sent)
	k.enlist(g.Epoch)
	k.pace.ttl = k.lease.TTL()
	k.seq, k.rtt = g.Seq, 0
	k.standBy = false
	k.drain = k.lease.drained()
	if k.client.clock.since(sent) < k.pace.ttl/3 {
		k.connected()
	}
}

// refused judges the failure of a registration. It returns an error where the
// keeping, or this grant, is over; again says that the next try is meant for
// another epoch than this one.
func (k *keeper) refused(ctx context.Context, err error) (again bool, _ error) {
	gone := lostBy(err, k.lease.ID(), 0)
	switch {
	case gone != nil && gone.forgotten():
		return true, nil // granted and ended before the answer was heard
	case gone != nil:
		return false, gone
	case IsTaken(err) && k.standBy:
		return true, sleep(ctx, k.pace.standBy(1))
	case IsTaken(err) && k.met:
		return false, k.taken(err)
	case !k.met && isDefinite(err):
		return false, err
	}
	k.enter(k.lease.Status().State, err)
	return false, nil
}

// taken is the loss of an exclusive lease: it ended, and before it could be
// had again somebody else held it.
func (k *keeper) taken(err error) error {
	gone := &LostError{ID: k.lease.ID(), Epoch: k.lease.held().epoch, Cause: Replaced}
	if p, ok := errors.AsType[*wire.Problem](err); ok && p.Holder != nil {
		gone.CurrentEpoch = p.Holder.Epoch
	}
	return gone
}

// isDefinite says that asking again, or elsewhere, cannot help: the request
// itself was refused, nobody could prove to be the cluster, or something else
// answers in its place.
func isDefinite(err error) bool {
	if p, ok := errors.AsType[*wire.Problem](err); ok {
		return p.Status/100 == 4 && !p.Retryable
	}
	return !IsRetryable(err)
}
