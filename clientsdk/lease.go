package clientsdk

import (
	"context"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Lease is the right to be called alive, and what keeps it. It is safe for
// concurrent use.
type Lease struct {
	client *Client
	cancel context.CancelCauseFunc // ends the keeper
	ready  chan struct{}           // closed when first connected
	done   chan struct{}           // closed when the keeper has ended
	states chan Status             // the keeper sends and closes
	herald *herald
	meter  *meter

	mu     sync.Mutex // guards what follows
	reg    Registration
	drain  bool // was drained, and is to be again after a new grant
	hold   hold
	status Status
	err    error // how it ended
}

// hold is what the cluster has granted, and acknowledged last.
type hold struct {
	id       string
	epoch    uint64
	ttl      time.Duration
	base     instant // T counts from here: the sending of what was acknowledged last
	granted  instant
	revision uint64
	pending  int
	over     bool // the cluster ended it, or it is being given back
}

// Register takes a lease and keeps it alive until ctx ends, and never gives up
// before: not when nodes fail, no quorum is there, or T has run out unheard.
// It ends earlier only when the cluster says that another holds the id, or
// that the lease was evicted or given back (see Registration.Reclaim), or with
// [Lease.Leave] and [Client.Close].
//
// Register returns when the lease is held, or else with the cause of ctx's end
// or a definite refusal of this first grant: *wire.Problem (a wrong field, the
// token, an exclusive id that is alive), or a certificate that cannot be
// trusted. Unreachable and leaderless nodes are no refusal: it tries on, from
// one endpoint to the next. [Client.Start] does not wait.
//
// When ctx ends the lease is not given back but runs out in its own time, as
// when the process dies; [Lease.Leave] works then too.
func (c *Client) Register(ctx context.Context, reg Registration) (*Lease, error) {
	l := c.Start(ctx, reg)
	select {
	case <-l.ready:
		return l, nil
	case <-l.done:
		return nil, l.Err()
	}
}

// Start is [Client.Register] that returns at once, in state Connecting. A
// definite refusal of the first grant closes Done, and Err tells it.
func (c *Client) Start(ctx context.Context, reg Registration) *Lease {
	ctx, cancel := c.bound(ctx)
	l := &Lease{
		client: c,
		cancel: cancel,
		ready:  make(chan struct{}),
		done:   make(chan struct{}),
		states: make(chan Status, statusBuffer),
		meter:  newMeter(c.config.Warning, c.config.Critical),
		reg:    reg.clone(),
		hold:   hold{id: reg.ID, over: true},
	}
	l.herald = newHerald(c, reg.hasCallbacks())
	k := newKeeper(l)
	if !c.spawn(func() { k.run(ctx) }) {
		k.end(ErrClosed)
	}
	return l
}

// Leave stops the keeping and gives the lease back, so that it ends now and
// not T later. It returns the certificate, nil where no lease was held or the
// cluster no longer keeps it. After an error it may be called again; the lease
// ends by itself in any case.
func (l *Lease) Leave(ctx context.Context) (*wire.Certificate, error) {
	l.cancel(ErrLeft)
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	l.mu.Lock()
	l.hold.over = true
	id, epoch := l.hold.id, l.hold.epoch
	l.mu.Unlock()
	if epoch == 0 {
		return nil, nil
	}
	certificate, err := l.client.Release(ctx, id, epoch)
	if gone := lostBy(err, id, epoch); gone != nil {
		return gone.Certificate, nil
	}
	return certificate, err
}

// Done is closed when the keeping has ended; Err then says why. Callbacks may
// still be on their way.
func (l *Lease) Done() <-chan struct{} { return l.done }

// Err returns nil until Done, then why the keeping ended: the cause of its
// context, a *LostError, ErrLeft, ErrClosed, or the refusal of the first grant.
func (l *Lease) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// States delivers every change of state and is closed after the last. It
// holds 16; of a slow reader's the oldest are lost, never the newest.
func (l *Lease) States() <-chan Status { return l.states }

// Status returns the present state and its reason.
func (l *Lease) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.status
	s.Epoch = l.hold.live()
	return s
}

// Quality returns the round-trip statistics of the lease's last heartbeats.
func (l *Lease) Quality() Quality { return l.meter.quality() }
