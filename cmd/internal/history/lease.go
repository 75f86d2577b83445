package history

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// lease is the model of one id. Expiry is not an operation: an answer that needs
// it finds out that it has happened, if it can have.
type lease struct {
	epoch   uint64 // the newest; of one that is unbound the greatest that it is not
	unbound bool   // an open grant took effect, and nobody was told its epoch yet
	key     string // Idempotency-Key of the newest epoch
	seq     uint64
	ttl     time.Duration
	life    life
	expires time.Duration // no sooner than at this instant
	now     time.Duration // it is at least so late
}

// life is what is known of the newest epoch.
type life uint8

const (
	unborn life = iota
	alive       // nobody has found that it expired
	expired
	left
	evicted
)

var lifeNames = [...]string{unborn: "none", alive: "alive", expired: "expired", left: "left", evicted: "evicted"}

func (l life) String() string { return lifeNames[l] }

func (l lease) String() string {
	return fmt.Sprintf("epoch %d seq %d %v", l.epoch, l.seq, l.life)
}

// leaseModel is the model for porcupine.
var leaseModel = porcupine.Model{
	Init: func() any { return lease{} },
	Step: func(state, input, _ any) (bool, any) {
		l, ok := state.(lease).step(input.(*Op))
		return ok, l
	},
	DescribeOperation: func(input, _ any) string { return input.(*Op).String() },
	DescribeState:     func(state any) string { return state.(lease).String() },
}

// step applies one operation, and tells whether its answer can be.
func (l lease) step(o *Op) (lease, bool) {
	if o.until < l.now {
		return l, false
	}
	if o.verdict == open {
		return l.attempt(o), true
	}
	if o.answer.code != "" {
		return l.refused(o)
	}
	switch o.kind {
	case grant:
		return l.granted(o)
	case renew:
		return l.renewed(o)
	case leave, evict:
		return l.ended(o)
	case ending:
		return l.gone(o.answer.certificate, o.until)
	default:
		return l.seen(o)
	}
}

// is binds the epoch of a live lease, if need be, and tells whether it is that.
func (l lease) is(epoch uint64) (lease, bool) {
	if l.unbound && epoch > l.epoch {
		l.epoch, l.unbound = epoch, false
	}
	return l, !l.unbound && l.epoch == epoch
}

func (l lease) holds(epoch uint64) (lease, bool) {
	l, ok := l.is(epoch)
	return l, ok && l.life == alive
}

// expire lets a lease that lives have ended by its time before until.
func (l lease) expire(until time.Duration) (lease, bool) {
	if l.life != alive {
		return l, true
	}
	if until < l.expires {
		return l, false
	}
	l.life, l.now = expired, max(l.now, l.expires)
	return l, true
}

// gone says that the epoch of a certificate has ended as it says.
func (l lease) gone(c *certificate, until time.Duration) (lease, bool) {
	if c.epoch < l.epoch || l.unbound && c.epoch == l.epoch {
		return l, true // how it ended is the same for all: see rules
	}
	l, ok := l.is(c.epoch)
	if !ok || c.seq != l.seq {
		return l, false
	}
	if l.life == alive && c.cause != expired.String() {
		return l, false
	}
	l, ok = l.expire(until)
	return l, ok && c.cause == l.life.String()
}

// born makes a new epoch.
func (l lease) born(o *Op, epoch uint64) lease {
	return lease{
		epoch: epoch, key: o.terms.Key, ttl: o.terms.TTL, life: alive, now: l.now,
		expires: max(o.from, l.now) + o.terms.TTL,
	}
}

func (l lease) granted(o *Op) (lease, bool) {
	if again, ok := l.holds(o.answer.epoch); ok && l.key == o.terms.Key && l.key != "" {
		return again, true
	}
	if o.answer.epoch <= l.epoch || o.answer.seq != 0 || o.answer.revision != o.answer.epoch {
		return l, false
	}
	var ok bool
	if o.answer.replaced == 0 {
		l, ok = l.expire(o.until)
		return l.born(o, o.answer.epoch), ok
	}
	l, ok = l.holds(o.answer.replaced)
	return l.born(o, o.answer.epoch), ok && !o.terms.IfAbsent
}

func (l lease) renewed(o *Op) (lease, bool) {
	l, ok := l.holds(o.epoch)
	if o.answer.duplicate {
		return l, ok && o.seq == l.seq
	}
	ok = ok && o.seq > l.seq && o.seq-l.seq <= wire.MaxSeqJump
	return l.extend(o), ok
}

func (l lease) extend(o *Op) lease {
	l.seq, l.expires = o.seq, max(o.from, l.now)+l.ttl
	return l
}

// ended takes the answer to a leave or an eviction that was done, now or before.
func (l lease) ended(o *Op) (lease, bool) {
	c, as := o.answer.certificate, left
	if o.kind == evict {
		as = evicted
	}
	if c.cause != as.String() || o.kind == leave && c.epoch != o.epoch {
		return l, false
	}
	if now, ok := l.holds(c.epoch); ok {
		now.life = as
		return now, c.seq == l.seq
	}
	return l.gone(c, o.until)
}

// seen takes what a read saw.
func (l lease) seen(o *Op) (lease, bool) {
	switch {
	case o.answer.epoch > 0:
		l, ok := l.holds(o.answer.epoch)
		return l, ok && l.seq == o.answer.seq
	case o.kind == list:
		return l.expire(o.until)
	}
	l, ok := l.is(o.answer.certificate.epoch)
	if !ok {
		return l, false
	}
	return l.gone(o.answer.certificate, o.until)
}

// refused takes a problem for what it says of the lease.
func (l lease) refused(o *Op) (lease, bool) {
	switch o.answer.code {
	case wire.CodeSuperseded:
		l, ok := l.holds(o.answer.current)
		return l, ok && o.epoch < l.epoch && (o.kind != grant || l.key != o.terms.Key)
	case wire.CodeIDTaken:
		l, ok := l.holds(o.answer.current)
		return l, ok && o.terms.IfAbsent
	case wire.CodeStaleSequence:
		l, ok := l.holds(o.epoch)
		return l, ok && o.seq < l.seq && l.seq == o.answer.current
	case wire.CodeLeaseEnded:
		return l.tooLate(o)
	default:
		return l.unknown(o)
	}
}

// tooLate says that an epoch has ended and none lives.
func (l lease) tooLate(o *Op) (lease, bool) {
	c := o.answer.certificate
	if c == nil || o.kind != grant && o.kind != evict && c.epoch != o.epoch {
		return l, false
	}
	l, ok := l.gone(c, o.until)
	if !ok {
		return l, false
	}
	return l.expire(o.until)
}

// unknown says that nothing is known of the id, or of that epoch of it.
func (l lease) unknown(o *Op) (lease, bool) {
	return l, l.life == unborn || o.kind != get && o.kind != evict && o.epoch > l.epoch
}

// attempt applies what nobody knows the outcome of, where it has an effect. That
// it has none is covered: it may come later, when all is over.
func (l lease) attempt(o *Op) lease {
	switch {
	case o.kind == grant:
		return l.mayBeGranted(o)
	case o.kind == evict && l.life == alive:
		l.life = evicted
	case o.epoch != l.epoch || l.unbound || l.life != alive:
	case o.kind == leave:
		l.life = left
	case o.kind == renew && o.seq > l.seq && o.seq-l.seq <= wire.MaxSeqJump:
		return l.extend(o)
	}
	return l
}

// mayBeGranted makes the epoch that a later answer told of (see settle), or one
// that is not known yet.
func (l lease) mayBeGranted(o *Op) lease {
	known := o.answer.epoch
	switch {
	case known > 0 && known <= l.epoch, o.terms.Key != "" && o.terms.Key == l.key:
		return l
	case l.life == alive && o.terms.IfAbsent:
		l, _ = l.expire(forever)
	}
	next := l.born(o, max(known, l.epoch))
	next.unbound = known == 0
	return next
}
