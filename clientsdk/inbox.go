package clientsdk

import (
	"context"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// InboxConfig bounds an inbox.
type InboxConfig struct {
	Workers int           // most messages handled at once (default 1: one after the other)
	Batch   int           // most messages held, from reading to acknowledged (default 100, at most 1,000), of up to 64 KiB each
	Wait    time.Duration // how long one question waits for messages (default 20 s, at most 5 minutes)

	// OnGap hears of messages that expired before this inbox read them. A panic
	// in it is contained. nil: not called.
	OnGap func(wire.Gap)
}

func (c InboxConfig) withDefaults() (InboxConfig, error) {
	orDefault(&c.Workers, 1)
	orDefault(&c.Batch, 100)
	orDefault(&c.Wait, 20*time.Second)
	if c.Batch > wire.MaxLimit {
		return c, invalid("batch", "an inbox holds at most 1,000 messages")
	}
	c.Workers = min(c.Workers, c.Batch)
	c.Wait = min(c.Wait, wire.MaxWait)
	return c, nil
}

// Inbox hands the messages of a lease's mailbox to the handler, those of
// earlier epochs too, until ctx ends or the lease is lost for good. Handling
// begins in offset order, and is at least once: what the handler returned nil
// for is acknowledged, and may come again only where that fails to arrive.
// After an error or a panic the message is given back with the error's text,
// and comes again later; after too many times it becomes a dead letter. No
// message is with two workers at once, of one inbox. A mailbox should have one.
//
// The handler's context ends with the inbox, which then waits for it. What
// was handled by then is acknowledged still, for at most Config.RequestTimeout;
// an error that a handler returns after the end counts for nothing.
//
// Inbox returns the cause of ctx's end, why the lease ended, or a definite
// refusal of its reading (a wrong field, the token). Unreachable and leaderless
// nodes are none: it tries on.
func (c *Client) Inbox(ctx context.Context, l *Lease, config InboxConfig, handler func(context.Context, Received) error) error {
	config, err := config.withDefaults()
	if err != nil {
		return err
	}
	ctx, cancel := c.bound(ctx)
	defer cancel(context.Canceled)
	b := &inbox{
		client: c, lease: l, config: config, handle: handler,
		work: make(chan wire.Message), room: make(chan struct{}, 1), ready: make(chan struct{}, 1),
		closing: make(chan struct{}), rung: make(chan struct{}, 1), busy: map[string]bool{}, recent: map[string]uint32{},
	}
	if err := b.awaitLease(ctx); err != nil {
		return err
	}
	if c.session != nil {
		defer c.session.subscribe(b)()
	}
	return b.run(ctx, cancel)
}

// inbox is one call of Inbox.
type inbox struct {
	client *Client
	lease  *Lease
	id     string // of the mailbox
	config InboxConfig
	handle func(context.Context, Received) error

	work    chan wire.Message // the reader hands over and closes
	room    chan struct{}     // level-triggered: a message was settled
	ready   chan struct{}     // level-triggered: a message was handled
	closing chan struct{}     // closed when no worker is left
	rung    chan struct{}     // level-triggered: the session has something to say

	mu       sync.Mutex // guards what follows
	busy     map[string]bool
	asking   bool              // a question is on its way
	recent   map[string]uint32 // settled since it left: with how many nacks a message would be another
	handled  []verdict         // to be settled; with busy bounded by Batch
	revision uint64            // of the last settlement
	pushes   pushes
}

// awaitLease waits for the grant, where the lease has none yet.
func (b *inbox) awaitLease(ctx context.Context) error {
	select {
	case <-b.lease.ready:
		b.id = b.lease.ID()
		return nil
	case <-b.lease.done:
		return b.lease.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run starts what works for the inbox, reads, and waits for all of it.
func (b *inbox) run(ctx context.Context, cancel context.CancelCauseFunc) error {
	var workers, others sync.WaitGroup
	for range b.config.Workers {
		b.spawn(&workers, cancel, func() { b.worker(ctx) })
	}
	b.spawn(&others, cancel, func() { b.settle(ctx) })
	b.spawn(&others, cancel, func() {
		select {
		case <-b.lease.done:
			cancel(b.lease.Err())
		case <-ctx.Done():
		}
	})
	err := b.read(ctx)
	cancel(err)
	close(b.work)
	workers.Wait()
	close(b.closing)
	others.Wait()
	return err
}

// spawn starts a goroutine that both run and Close wait for.
func (b *inbox) spawn(wg *sync.WaitGroup, cancel context.CancelCauseFunc, f func()) {
	wg.Add(1)
	if !b.client.spawn(func() { defer wg.Done(); f() }) {
		wg.Done()
		cancel(ErrClosed)
	}
}
