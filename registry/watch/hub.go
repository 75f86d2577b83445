package watch

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// Hub hands events to subscriptions. All methods may be called side by side.
type Hub struct {
	cfg    Config
	intake *intake
	bells  *bells

	// mu guards what follows, and the position of every subscription. It is never
	// held while the registry is asked.
	mu            sync.Mutex
	ring          ring
	revision      uint64 // every event up to it was delivered
	topics        topics
	subscriptions int
	closed        bool
}

// New returns a hub; it fails where the configuration is not whole. Events are
// handed out while Run runs; until then subscriptions read the log.
func New(c Config) (*Hub, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	return &Hub{
		cfg: c, intake: newIntake(c.Ring), bells: newBells(c.Bells),
		ring: newRing(c.Ring, c.RingBytes), topics: make(topics),
	}, nil
}

// Listen returns a listener to mailboxes, to none yet. Its owner closes it.
func (h *Hub) Listen() *Listener { return h.bells.listen() }

// Publish takes what an entry did. It is called for every entry in order, under
// the lock of the replica, and does not wait. The events must not be changed
// any more.
func (h *Hub) Publish(out *registry.Outcome) {
	h.intake.put(out.Events, out.Revision)
	h.bells.ring(out.Mail)
}

// Reset says that the replica was replaced by one of that revision, and what
// happened between was not published. Like Publish it does not wait.
func (h *Hub) Reset(revision uint64) {
	h.intake.restart(revision)
	h.bells.ringAll()
}

// Run delivers what is published until ctx ends. Its owner runs it once.
func (h *Hub) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.intake.nudge:
			h.deliver(h.intake.take())
		}
	}
}

// deliver puts a batch into the ring and wakes whom it may concern.
func (h *Hub) deliver(b batch) {
	ready := h.ready(&b)
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.broken {
		h.restart(&b)
	}
	for i := range ready {
		h.ring.push(ready[i])
		h.topics.rouse(ready[i].Event)
	}
	h.revision = max(h.revision, b.upTo)
}

// ready makes what goes into the ring: encoded, but where nobody subscribes only
// who reads it later encodes it.
func (h *Hub) ready(b *batch) []Event {
	watched := h.watched()
	ready := make([]Event, len(b.events))
	for i := range b.events {
		ready[i].Event = &b.events[i]
		if watched {
			ready[i].Raw = h.cfg.Encode(&b.events[i])
		}
	}
	return ready
}

func (h *Hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.subscriptions > 0
}

// restart begins the ring anew at a batch before which events are missing: any
// subscription may have missed one.
func (h *Hub) restart(b *batch) {
	floor := b.upTo
	if len(b.events) > 0 {
		floor = b.events[0].Revision - 1
	}
	h.ring.restart(floor)
	for _, g := range h.topics {
		g.rouse(h.revision)
	}
}

// Subscribe returns a subscription to what comes after a revision, which the
// replica has applied. It is ready at once. Its owner closes it. The error is
// ErrTooMany or ErrClosed.
func (h *Hub) Subscribe(f Filter, after uint64) (*Subscription, error) {
	return h.SubscribeOn(make(chan struct{}, 1), f, after)
}

// SubscribeOn is Subscribe for a reader of several subscriptions: they share
// wake, a channel of capacity 1, and when it is ready Next of each is called.
func (h *Hub) SubscribeOn(wake chan struct{}, f Filter, after uint64) (*Subscription, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	if h.subscriptions >= h.cfg.Subscriptions {
		return nil, fmt.Errorf("%w: %d subscriptions", ErrTooMany, h.subscriptions)
	}
	h.subscriptions++
	s := &Subscription{hub: h, filter: f, group: h.topics.join(f.topic()), wake: wake, cursor: after}
	signal(s.wake)
	return s, nil
}

// Close ends all subscriptions: their Next returns ErrClosed, and who waits is
// woken. Publish may still be called.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, g := range h.topics {
		g.rouse(h.revision)
	}
}
