package clientsdk

import (
	"context"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// verdict is what became of a message: nil is done, an error gives it back.
type verdict struct {
	message wire.Message
	err     error
}

// worker handles one message after the other.
func (b *inbox) worker(ctx context.Context) {
	for m := range b.work {
		err := b.client.guard("the inbox's handler", func() error {
			r, err := received(b.id, &m)
			if err != nil {
				return err
			}
			return b.handle(ctx, r)
		})
		b.judge(ctx, verdict{m, err})
	}
}

// judge takes a verdict to be settled. An error after the end is most likely
// the end's, and no reason to count against the message.
func (b *inbox) judge(ctx context.Context, v verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v.err != nil && ctx.Err() != nil {
		delete(b.busy, v.message.ID)
		return
	}
	b.handled = append(b.handled, v)
	nudge(b.ready)
}

// nudge wakes who waits on a channel that holds one.
func nudge(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// settle tells the cluster what was handled, what came together in one
// request. When the workers have ended it tells the rest.
func (b *inbox) settle(ctx context.Context) {
	for {
		select {
		case <-b.ready:
			b.flush(ctx)
		case <-b.closing:
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.client.config.RequestTimeout)
			defer cancel()
			b.flush(ctx)
			return
		}
	}
}

// flush settles until nothing is left or ctx has ended.
func (b *inbox) flush(ctx context.Context) {
	for {
		b.mu.Lock()
		batch := b.handled
		b.handled = nil
		b.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		if rest := b.settleAll(ctx, batch); len(rest) > 0 {
			b.mu.Lock()
			b.handled = append(rest, b.handled...)
			b.mu.Unlock()
			return
		}
	}
}

// settleAll settles a batch, and returns what it did not come to before ctx
// ended.
func (b *inbox) settleAll(ctx context.Context, batch []verdict) (rest []verdict) {
	var done, failed []verdict
	for _, v := range batch {
		if v.err == nil {
			done = append(done, v)
		} else {
			failed = append(failed, v)
		}
	}
	if !b.settleSome(ctx, done, b.ack) {
		rest = append(rest, done...)
	}
	for _, v := range failed {
		if one := []verdict{v}; !b.settleSome(ctx, one, b.nack) {
			rest = append(rest, v)
		}
	}
	return rest
}

// settleSome insists on one request until it is answered for good, which
// frees its messages, or ctx has ended.
func (b *inbox) settleSome(ctx context.Context, some []verdict, tell teller) bool {
	if len(some) == 0 {
		return true
	}
	revision, err := b.insist(ctx, some, tell)
	if err != nil && ctx.Err() != nil {
		return false
	}
	if err != nil {
		b.client.log.Warn("messages could not be settled and will come again",
			"id", b.id, "messages", len(some), "first", some[0].message.ID, "error", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revision = max(b.revision, revision)
	for _, v := range some {
		delete(b.busy, v.message.ID)
		b.settled(&v)
	}
	nudge(b.room)
	return true
}
