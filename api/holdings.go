package api

import (
	"fmt"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// holdings is what a session speaks for: the leases that it registered or
// renewed last, and their mailboxes. The session's lock guards it.
type holdings struct {
	leases map[uint64]*held // by epoch
	boxes  map[registry.Identity]*box
	dirty  []*box          // in which there may be something to push
	lost   []lostLease     // that the client is to be told of
	bell   *watch.Listener // for boxes; nil before the first
}

// held is one lease.
type held struct {
	id     registry.Identity
	spared int                   // requests of this session under way that may end it
	ended  *registry.Certificate // how it ended meanwhile
	gone   bool                  // it ended meanwhile
}

// lostLease is a lease that has ended.
type lostLease struct {
	id          registry.Identity
	epoch       uint64
	certificate *registry.Certificate // nil where it is not known
}

// mayClaim says whether the session may speak for one lease more.
func (c *session) mayClaim() error {
	c.mu.Lock()
	n := len(c.holdings.leases)
	c.mu.Unlock()
	if n >= wire.MaxSessionLeases {
		return fmt.Errorf("%w: a session speaks for %d leases at most: open another", ErrOverloaded, n)
	}
	if c.server.holders.full() {
		return fmt.Errorf("%w: the sessions of this node speak for too many leases", ErrOverloaded)
	}
	return nil
}

// claim makes the session the one that speaks for a live epoch: mail is pushed,
// from the oldest pending message on, and its end is told. Beyond the limits
// that is left to others. It may have ended before it was claimed; whoever
// finds that out tells.
func (c *session) claim(epoch uint64, id registry.Identity, again bool) {
	h := c.server.holders
	if c.mayClaim() != nil {
		return
	}
	before, ok := h.claim(epoch, c)
	if !ok {
		return
	}
	if before != nil && before != c {
		before.yield(epoch)
	}
	if !c.hold(epoch, id, again) {
		h.release(epoch, c)
		return
	}
	if !h.is(epoch, c) {
		c.yield(epoch) // another session was faster, or it has ended and was told
		return
	}
	if c.server.ended(epoch) && h.release(epoch, c) {
		c.lose(epoch, c.server.certificateOf(epoch))
	}
}

// hold notes a lease and opens its mailbox; again, only if asked to, so that a
// registration begins with the oldest message. It is false when the session ends.
func (c *session) hold(epoch uint64, id registry.Identity, again bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending != nil {
		return false
	}
	h := &c.holdings
	if h.leases == nil {
		h.leases, h.boxes = make(map[uint64]*held), make(map[registry.Identity]*box)
		h.bell = c.server.node.Hub().Listen()
	}
	if h.leases[epoch] == nil {
		h.leases[epoch] = &held{id: id}
	} else if !again {
		return true
	}
	if err := h.bell.Add(id); err != nil {
		c.server.log.Warn("mail is not pushed", "request_id", c.name, "error", err)
		return true
	}
	b := &box{id: id, epoch: epoch}
	h.boxes[id] = b
	h.soil(b)
	signal(c.wake)
	return true
}

// yield forgets a lease for which another session speaks now.
func (c *session) yield(epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holdings.forget(epoch)
}

// forget drops a lease and its mailbox.
func (h *holdings) forget(epoch uint64) {
	l := h.leases[epoch]
	if l == nil {
		return
	}
	delete(h.leases, epoch)
	if b := h.boxes[l.id]; b != nil && b.epoch == epoch {
		delete(h.boxes, l.id)
		h.bell.Remove(l.id)
	}
}

// lose hears that a lease has ended. Where a request of this session may have
// done that, its answer is waited for.
func (c *session) lose(epoch uint64, ended *registry.Certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.holdings.leases[epoch]
	if l == nil {
		return
	}
	if l.spared > 0 {
		l.gone, l.ended = true, ended
		return
	}
	c.announce(epoch, l.id, ended)
}

// announce has the client told that a lease has ended. The caller holds the
// lock.
func (c *session) announce(epoch uint64, id registry.Identity, ended *registry.Certificate) {
	c.holdings.forget(epoch)
	c.holdings.lost = append(c.holdings.lost, lostLease{id, epoch, ended})
	signal(c.wake)
}

// spare notes that a request will take over an id, and returns the epoch of it
// that the session speaks for, or 0.
func (c *session) spare(id registry.Identity) (epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.holdings.boxes[id]; b != nil {
		epoch = b.epoch
	}
	c.spareLocked(epoch)
	return epoch
}

// spareEpoch notes that a request will end an epoch.
func (c *session) spareEpoch(epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spareLocked(epoch)
}

func (c *session) spareLocked(epoch uint64) {
	if l := c.holdings.leases[epoch]; l != nil {
		l.spared++
	}
}

// unspare notes that such a request is over. If it ended the lease, its answer
// says so and nothing else has to.
func (c *session) unspare(epoch uint64, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.holdings.leases[epoch]
	if l == nil {
		return
	}
	l.spared--
	switch {
	case ended:
		c.server.holders.release(epoch, c)
		c.holdings.forget(epoch)
	case l.gone && l.spared == 0:
		c.announce(epoch, l.id, l.ended)
	}
}

// forsake gives up everything, when the session has ended. Leases live on.
func (c *session) forsake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for epoch := range c.holdings.leases {
		c.server.holders.release(epoch, c)
	}
	if c.holdings.bell != nil {
		c.holdings.bell.Close()
	}
	for _, w := range c.watches {
		w.sub.Close()
		c.server.metrics.watches.Dec()
	}
	c.holdings, c.watches, c.chores = holdings{}, nil, nil
}
