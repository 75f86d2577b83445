package clientsdk

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// pushes is what a session brings into an inbox. A node pushes a mailbox from
// its oldest message on, in offset order, and what was given back when it is
// due again. As long as that comes without a gap, nothing has to be asked for.
type pushes struct {
	link   *link  // that brought the last one
	epoch  uint64 // that the lease had then: for another, the node may not push
	queue  []wire.Message
	last   uint64 // the highest offset that was pushed, into the queue or not
	behind bool   // something else was left out, and has to be asked for
}

// pushed takes a message, if there is room for it. It does not wait.
func (b *inbox) pushed(l *link, m wire.Message) {
	epoch := b.lease.Epoch()
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &b.pushes
	if p.link != l || p.epoch != epoch {
		*p = pushes{link: l, epoch: epoch, behind: true}
	}
	p.last = max(p.last, m.Offset)
	if len(p.queue) < b.config.Batch {
		p.queue = append(p.queue, m)
	} else {
		p.behind = true
	}
	nudge(b.rung)
}

// fallBehind notes that not all of what came could be taken.
func (b *inbox) fallBehind() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pushes.behind = true
}

// settled notes that a message is not to be taken again from what was under
// way by now. The caller holds the lock.
func (b *inbox) settled(v *verdict) {
	least := v.message.Attempts + 1
	if v.err == nil {
		least = math.MaxUint32
	}
	if b.asking {
		b.recent[v.message.ID] = least
	}
	b.pushes.queue = slices.DeleteFunc(b.pushes.queue, func(m wire.Message) bool {
		return m.ID == v.message.ID && m.Attempts < least
	})
}

// next returns what is to be looked at next: what is pushed, while that has no
// gap, else what a question brings.
func (b *inbox) next(ctx context.Context, after uint64) (*wire.MessagesPage, error) {
	if page, err := b.awaitPushes(ctx, after); page != nil || err != nil {
		return page, err
	}
	return b.ask(ctx, after)
}

// pushing says that the link which is in use now has pushed to this inbox.
func (b *inbox) pushing() bool {
	s := b.client.session
	if s == nil {
		return false
	}
	l, epoch := s.current(), b.lease.Epoch()
	b.mu.Lock()
	defer b.mu.Unlock()
	return l != nil && b.pushes.link == l && b.pushes.epoch == epoch
}

// awaitPushes waits for pushed messages, and returns nil where it is time to
// ask: nobody pushes, something is missing, or for as long as a question would
// have waited nothing came.
func (b *inbox) awaitPushes(ctx context.Context, after uint64) (*wire.MessagesPage, error) {
	timer := time.NewTimer(b.config.Wait)
	defer timer.Stop()
	for b.pushing() {
		page, behind := b.takePushes(after)
		switch {
		case len(page.Messages) > 0:
			return page, nil
		case behind:
			return nil, nil
		}
		select {
		case <-b.rung:
		case <-timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return nil, nil
}

// takePushes takes those of the queue that follow on one another, and those
// that were given back. behind says that the rest has to be asked for.
func (b *inbox) takePushes(after uint64) (page *wire.MessagesPage, behind bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &b.pushes
	page = &wire.MessagesPage{Next: after}
	if !p.behind {
		takeSequence(page, p.queue)
	}
	behind = p.behind || page.Next < p.last
	p.queue, p.behind = nil, false
	return page, behind
}

func takeSequence(page *wire.MessagesPage, queue []wire.Message) {
	for _, m := range queue {
		switch {
		case m.Offset > page.Next+1:
			return
		case m.Offset > page.Next || m.Attempts > 0:
			page.Messages = append(page.Messages, m)
			page.Next = max(page.Next, m.Offset)
		}
	}
}
