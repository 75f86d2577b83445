package clientsdk

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// live is the epoch that the cluster has granted and not ended, else 0.
func (h *hold) live() uint64 {
	if h.over {
		return 0
	}
	return h.epoch
}

// remaining is how much of T is left of a live epoch.
func (h *hold) remaining(c clock) time.Duration {
	if h.live() == 0 {
		return 0
	}
	return max(h.ttl-c.since(h.base), 0)
}

// ID returns the id, empty until the first grant where the cluster makes it.
func (l *Lease) ID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold.id
}

// Epoch returns the epoch of the live grant: a fencing token, greater than
// that of every earlier holder. 0 while no grant is held. An epoch stays that
// of the lease when Valid turns false; ask [Lease.Fence] for both.
func (l *Lease) Epoch() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold.live()
}

// Valid says that the lease is certainly held: it is granted, the cluster has
// not ended it, and less than T has passed since the last acknowledged renewal
// was sent. When it turns false by that count the lease may live on, and
// renewing goes on; lost it is when the cluster says so.
func (l *Lease) Valid() bool { return l.Remaining() > 0 }

// Fence returns the epoch together with Valid, of one moment.
func (l *Lease) Fence() (epoch uint64, valid bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold.live(), l.hold.remaining(l.client.clock) > 0
}

// Remaining returns how long Valid stays true if no further renewal is
// acknowledged. It counts on a clock that also runs in suspend (on Linux).
func (l *Lease) Remaining() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold.remaining(l.client.clock)
}

// Deadline returns when that will be, for people: wall clocks can be set.
// Programs ask Valid or Remaining. The zero time while nothing is held.
func (l *Lease) Deadline() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hold.live() == 0 {
		return time.Time{}
	}
	left := l.hold.ttl - l.client.clock.since(l.hold.base)
	return time.Now().Round(0).Add(left)
}

// TTL returns T as granted, 0 before the first grant.
func (l *Lease) TTL() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold.ttl
}

// Revision returns the revision of the last answer, to read one's own writes
// with ([AtLeast]).
func (l *Lease) Revision() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold.revision
}

// Pending returns how many messages waited for the id as of the last answer.
func (l *Lease) Pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold.pending
}

// granted takes over a grant that was made no earlier than base.
func (l *Lease) granted(g *wire.Grant, base instant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold = hold{
		id: g.ID, epoch: g.Epoch, ttl: time.Duration(g.TTLMS) * time.Millisecond,
		base: base, granted: base, revision: g.Revision, pending: g.Pending,
	}
}

// renewed takes over a renewal that was made no earlier than base.
func (l *Lease) renewed(r *wire.Renewed, base instant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold.base = base
	l.hold.ttl = time.Duration(r.TTLMS) * time.Millisecond
	l.hold.revision = r.Revision
	l.hold.pending = r.Pending
}

// gone takes note that the cluster has ended the epoch.
func (l *Lease) gone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold.over = true
}

// quietFor says that the holder is well connected, and that more than T/parts
// has passed since what was acknowledged last was sent.
func (l *Lease) quietFor(c clock, parts time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status.State == Connected && l.hold.live() != 0 && c.since(l.hold.base) > l.hold.ttl/parts
}

// held returns a copy of what is held.
func (l *Lease) held() hold {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold
}
