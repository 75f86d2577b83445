package registry

import (
	"fmt"
	"time"
)

// Replica is one node's copy of the truth with its own judge of time beside
// it. It has no lock: its holder guards it. Every `mono` is a monotonic
// reading of the holder's process clock (time since the process started).
type Replica struct {
	*State
	deadlines *Deadlines
	applied   LeaseTime // of the last entry
	version   Version
}

// NewReplica returns an empty replica for the node of that id.
func NewReplica(node string) *Replica {
	s := newState()
	d := newDeadlines(node, func(slot uint32) (epoch, seq uint64, ttl uint32) {
		l := s.leases.at(slot)
		return l.epoch, l.seq, l.ttl
	}, newGuard(s))
	s.timer = d
	return &Replica{State: s, deadlines: d, version: Version{replica: new(byte)}}
}

// Apply applies one committed entry. Entries at or below the index with which
// the state was loaded change nothing but renewals (see State.Load).
func (r *Replica) Apply(at Position, e *Entry, mono time.Duration) Outcome {
	d := r.deadlines
	d.present = d.clock.read(mono)
	r.version.applied++
	fresh := at.Index > r.index
	out := r.apply(at, e)
	if fresh {
		r.applied = d.present
		r.opened(e, &out)
		d.guard.applied(e, out.Events)
	}
	return out
}

// ApplyUnheard is Apply where nobody waits for what the commands did: the
// results have no Beats. On a follower that is the rule.
func (r *Replica) ApplyUnheard(at Position, e *Entry, mono time.Duration) Outcome {
	r.turn.unheard = true
	defer func() { r.turn.unheard = false }()
	return r.Apply(at, e, mono)
}

// opened looks for a Serve that took effect.
func (r *Replica) opened(e *Entry, out *Outcome) {
	for i, c := range e.Commands {
		if serve, ok := c.(*Serve); ok && out.Results[i].Code == OK {
			r.deadlines.serve(serve.Term, e.Proposer)
		}
	}
}

// Loaded ends a load, see State.Loaded. Every lease then has a fresh TTL.
func (r *Replica) Loaded() error {
	if err := r.State.Loaded(); err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	r.leases.each(func(slot uint32, l *lease) { r.deadlines.load(slot, l.ttl) })
	r.applied = r.deadlines.clock.now
	return nil
}

// Lead says that this node is Raft leader in that term: when its Serve of that
// term is applied, it judges.
func (r *Replica) Lead(term uint64) { r.deadlines.lead(term) }

// Depose ends judging (leadership lost, or shutting down).
func (r *Replica) Depose() { r.deadlines.depose() }

// Serving returns the term in which this node serves, or false.
func (r *Replica) Serving() (term uint64, ok bool) {
	return r.deadlines.office.term, r.deadlines.office.judging
}

// Tick advances the lease clock (every TickEvery) and the wheel. It returns
// by how much the tick was late when that is StallAfter or more, else 0.
func (r *Replica) Tick(mono time.Duration) (stall time.Duration) { return r.deadlines.tick(mono) }

// Obstruct says that the leader silences its clients now (its oldest proposal
// waits too long, or it refuses renewals): nobody is buried while it lasts,
// and it ends with a floor of T/2.
func (r *Replica) Obstruct(mono time.Duration, obstructed bool) {
	r.deadlines.obstruct(mono, obstructed)
}

// Due returns whom the judge would bury now, or nil, and whom it would hold back
// instead (see Protect), a Hold for each scope: at most max leases together.
// They are to be proposed in this order.
//
// waiting tells whether a renewal of that epoch beyond that seq was received
// but is not committed yet; such a lease gets a floor of now + T/2 instead.
// Who was returned is returned again after half a second, should nothing have
// come of it. Work is bounded: call it after every Tick. Its StallMS is that of
// the judge's last stall if one of the leases was silent throughout it.
func (r *Replica) Due(mono time.Duration, max int, waiting func(epoch, seq uint64) bool) (*Expire, []*Hold) {
	s := sitting{cluster: r.ClusterNow(mono), limit: max, waiting: waiting}
	r.deadlines.judge(mono, &s)
	if len(s.expire.Burials) == 0 {
		return nil, s.holds
	}
	return new(s.expire), s.holds // a copy, so that a sitting with nobody due costs no memory
}

// Protect sets the rules by which this node's judge holds leases that fall
// silent in masses; without any, as at first, it holds none. What it counted by
// earlier rules is forgotten: set them once. Each scope has one rule at most, all
// of whose fields but Service and Rate are positive.
func (r *Replica) Protect(rules []Protection) { r.deadlines.guard.protect(rules) }

// Clock reads the lease clock.
func (r *Replica) Clock(mono time.Duration) LeaseTime { return r.deadlines.clock.read(mono) }

// Remaining returns how long a lease has by this node's judge, in
// milliseconds: negative when it is past its TTL here.
func (r *Replica) Remaining(slot uint32, mono time.Duration) int64 {
	return r.deadlines.until(slot, mono)
}
