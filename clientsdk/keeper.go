package clientsdk

import (
	"context"
	"errors"
	"time"
)

// keeper keeps one lease alive. It is the only goroutine that registers and
// renews it, so what it holds needs no lock.
type keeper struct {
	lease  *Lease
	client *Client
	ends   *rotation // its own: a failure here says nothing of other leases' luck
	gate   *gate
	pace   pace
	limit  time.Duration // of Health, as wanted

	lost  chan *LostError // of capacity 1: what a session tells
	early chan struct{}   // of capacity 1: the next heartbeat is to leave now
	epoch uint64          // that the session knows of

	seq     uint64        // the last one sent in this epoch
	rtt     time.Duration // of the last acknowledged heartbeat, 0 for none
	losses  int           // to somebody else, in a row
	standBy bool          // the id was lost to somebody else: take it only when it is free
	drain   bool          // the new grant is to be drained, as the one before was
	met     bool          // was granted once
}

func newKeeper(l *Lease) *keeper {
	return &keeper{
		lease:  l,
		client: l.client,
		ends:   newRotation(l.client.ends.list),
		gate:   &gate{client: l.client, check: l.reg.Health},
		pace:   pace{ttl: l.reg.ttl()},
		limit:  l.reg.HealthTimeout,
		lost:   make(chan *LostError, 1),
		early:  make(chan struct{}, 1),
	}
}

// run keeps the lease until ctx ends or the lease is lost for good.
func (k *keeper) run(ctx context.Context) {
	k.enter(Connecting, nil)
	for {
		err := k.acquire(ctx)
		if err == nil {
			err = k.renew(ctx)
		}
		if gone, ok := errors.AsType[*LostError](err); ok {
			err = k.mourn(ctx, gone)
		}
		if err != nil {
			k.end(err)
			return
		}
	}
}

// mourn reports a loss. It returns nil when the lease is to be asked for
// again, after the waiting that this needs.
func (k *keeper) mourn(ctx context.Context, gone *LostError) error {
	reg := k.lease.registration()
	gone.Final = !gone.forgotten() && !reg.Reclaim
	k.lease.gone()
	k.enlist(0)
	tell(k.lease.herald, "OnLost", reg.OnLost, gone)
	if gone.Final {
		return gone
	}
	k.enter(Reconnecting, gone)
	if gone.forgotten() {
		return nil
	}
	return k.yield(ctx)
}

// yield waits before the id is asked for again that somebody else took.
// Whoever then held it for long may begin with T once more.
func (k *keeper) yield(ctx context.Context) error {
	if h := k.lease.held(); h.epoch != 0 && k.client.clock.since(h.granted) > 32*k.pace.ttl {
		k.losses = 0
	}
	k.losses++
	k.standBy = true
	return sleep(ctx, k.pace.standBy(k.losses))
}

// awaitWell returns when the application is well, or ctx has ended.
func (k *keeper) awaitWell(ctx context.Context) error {
	for {
		began := time.Now()
		err := k.gate.ask(ctx, k.pace.health(k.limit))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			return nil
		}
		k.enter(Disconnected, &UnwellError{Err: err})
		if err := sleep(ctx, k.pace.rest(k.lease.Valid(), time.Since(began))); err != nil {
			return err
		}
	}
}

// resume leaves the state in which nothing is tried.
func (k *keeper) resume() {
	switch {
	case k.lease.Status().State != Disconnected:
	case k.met:
		k.enter(Reconnecting, nil)
	default:
		k.enter(Connecting, nil)
	}
}

// enter changes the state, and tells of it if it is another.
func (k *keeper) enter(state State, why error) {
	l := k.lease
	l.mu.Lock()
	changed := l.status.State != state || l.status.Since.IsZero()
	if changed {
		l.status.State, l.status.Since = state, time.Now().Round(0)
	}
	l.status.Err = why
	now := l.status
	now.Epoch = l.hold.live()
	onState := l.reg.OnState
	l.mu.Unlock()
	if changed {
		offer(l.states, now)
		tell(l.herald, "OnState", onState, now)
	}
}

// connected is entered with the first acknowledgement.
func (k *keeper) connected() {
	k.enter(Connected, nil)
	if !k.met {
		k.met = true
		close(k.lease.ready)
	}
}

// end closes everything that the lease's user waits for.
func (k *keeper) end(err error) {
	k.enlist(0)
	l := k.lease
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	k.enter(Disconnected, err)
	close(l.states)
	l.herald.close()
	l.cancel(err)
	close(l.done)
}

// record notes the round trip of one try in the lease's own statistics.
func (k *keeper) record(ctx context.Context, rtt time.Duration, err error) {
	if ctx.Err() != nil {
		return
	}
	if q, changed := k.lease.meter.addAndGrade(rtt, isFailure(err)); changed {
		tell(k.lease.herald, "OnQuality", k.lease.registration().OnQuality, q)
	}
}
