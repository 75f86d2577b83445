package api

import (
	"errors"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// holders knows which session speaks for a lease: the last that registered or
// renewed it. One subscription to all events serves all sessions: each ending
// is looked up once, however many there are.
type holders struct {
	most int // leases
	done chan struct{}

	started, stopped sync.Once
	running          sync.WaitGroup

	mu sync.Mutex // guards what follows
	of map[uint64]*session
}

// maxHeld bounds the leases that the sessions of one node are told of together;
// each takes some 400 bytes.
const maxHeld = 1_000_000

// followAgain is after what time a subscription is tried again that was refused.
const followAgain = time.Second

// endingsAtOnce is how many events are looked at in one step.
const endingsAtOnce = 256

func newHolders(most int) *holders {
	return &holders{most: most, done: make(chan struct{}), of: make(map[uint64]*session)}
}

// start begins to follow endings, when the first session does.
func (h *holders) start(s *Server) {
	h.started.Do(func() { h.running.Go(func() { h.run(s) }) })
}

// stop ends what start began, if it did, and returns when it has ended.
func (h *holders) stop() {
	h.started.Do(func() {}) // never, if not yet
	h.stopped.Do(func() { close(h.done) })
	h.running.Wait()
}

// claim makes a session the one that speaks for an epoch, and returns the one
// that did; false where there is no room.
func (h *holders) claim(epoch uint64, c *session) (before *session, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before = h.of[epoch]
	if before == nil && len(h.of) >= h.most {
		return nil, false
	}
	h.of[epoch] = c
	return before, true
}

// is tells whether a session speaks for an epoch.
func (h *holders) is(epoch uint64, c *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of[epoch] == c
}

// full tells whether there is no room for one more.
func (h *holders) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.of) >= h.most
}

// release forgets an epoch, if it is that session's.
func (h *holders) release(epoch uint64, c *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of[epoch] != c {
		return false
	}
	delete(h.of, epoch)
	return true
}

// take forgets an epoch that has ended, and returns whose it was, or nil.
func (h *holders) take(epoch uint64) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.of[epoch]
	delete(h.of, epoch)
	return c
}

// run tells sessions of the leases that end, until stop.
func (h *holders) run(s *Server) {
	for {
		err := h.follow(s)
		if errors.Is(err, errEnding) || errors.Is(err, watch.ErrClosed) {
			return
		}
		if _, ok := asCompacted(err); ok {
			continue // it fell behind; the sweep finds what was missed
		}
		s.log.Warn("sessions are not told of leases that end", "error", err)
		select {
		case <-h.done:
			return
		case <-time.After(followAgain):
		}
	}
}

// follow looks at all events from now on. First it sweeps, for what has ended
// before.
func (h *holders) follow(s *Server) error {
	var now uint64
	s.node.View(func(r *registry.Replica, _ time.Duration) { now = r.Revision() })
	sub, err := s.node.Hub().Subscribe(watch.Everything(), now)
	if err != nil {
		return err
	}
	defer sub.Close()
	h.sweep(s)
	for {
		select {
		case <-h.done:
			return errEnding
		case <-sub.Wait():
		}
		events, _, err := sub.Next(endingsAtOnce)
		if err != nil {
			return err
		}
		for i := range events {
			if ended := events[i].Certificate; ended != nil {
				h.tell(ended.Epoch, ended)
			}
		}
	}
}

// tell tells whoever speaks for an epoch that it has ended.
func (h *holders) tell(epoch uint64, ended *registry.Certificate) {
	if c := h.take(epoch); c != nil {
		c.lose(epoch, ended)
	}
}

// sweep looks whether the leases that sessions speak for still live: where
// events were missed.
func (h *holders) sweep(s *Server) {
	for _, epoch := range h.epochs() {
		if _, lives := s.holderOf(epoch); !lives {
			h.tell(epoch, s.certificateOf(epoch))
		}
	}
}

func (h *holders) epochs() []uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]uint64, 0, len(h.of))
	for epoch := range h.of {
		all = append(all, epoch)
	}
	return all
}

// holderOf returns the id whose live epoch that is.
func (s *Server) holderOf(epoch uint64) (id registry.Identity, lives bool) {
	s.node.View(func(r *registry.Replica, _ time.Duration) { id.NS, id.ID, lives = r.Holder(epoch) })
	return id, lives
}

// certificateOf returns how an epoch ended, or nil where that is not known.
func (s *Server) certificateOf(epoch uint64) (ended *registry.Certificate) {
	s.node.View(func(r *registry.Replica, _ time.Duration) {
		if c, ok := r.CertificateOf(epoch); ok {
			ended = &c
		}
	})
	return ended
}
