package registry

import (
	"math"
	"time"
)

// sitting is what the judge decides in one call of Due.
type sitting struct {
	now     LeaseTime
	cluster uint64 // the cluster time, or somewhat less
	limit   int
	waiting func(epoch, seq uint64) bool
	expire  Expire
	holds   []*Hold // one a scope
	decided int     // leases of both
}

// judge fills a sitting with whom the judge would bury now, and whom it would
// hold.
func (d *Deadlines) judge(mono time.Duration, s *sitting) {
	if !d.office.judging || !d.floors.open() || d.clock.behind(mono) {
		return
	}
	s.now, s.expire.Term = d.clock.read(mono), d.office.term
	for range dueWork {
		if s.decided >= s.limit {
			break
		}
		slot, ok := d.wheel.Parked()
		if !ok {
			break
		}
		d.try(slot, s)
	}
	d.consult(s)
}

// try buries a parked lease if it is due, or leaves it to the guard, and
// arranges when to look again.
func (d *Deadlines) try(slot uint32, s *sitting) {
	epoch, seq, ttl := d.leases(slot)
	if at := d.due(slot, ttl); at > s.now {
		d.look(slot, at)
		return
	}
	if !d.faults.NoWaitingCheck && s.waiting != nil && s.waiting(epoch, seq) {
		d.look(slot, s.now+max(tickMS, LeaseTime(ttl/2)))
		return
	}
	d.look(slot, s.now+repeatMS)
	if !d.guard.takes(slot) {
		d.bury(slot, s)
	}
}

// consult decides about the protected leases among the due, all at once. While
// an earlier decision about such is on its way, or more than the limit are due,
// they come again with the next tick.
func (d *Deadlines) consult(s *sitting) {
	g := d.guard
	if len(g.docket) == 0 {
		return
	}
	defer g.adjourn()
	late := g.waiting(s.now)
	if !late {
		g.count(s.now, s.cluster)
	}
	before := s.decided
	for _, slot := range g.docket {
		if late || s.decided >= s.limit {
			d.look(slot, s.now+tickMS)
			continue
		}
		switch g.verdict(slot, s.cluster) {
		case buries:
			d.bury(slot, s)
		case holds:
			d.hold(slot, s)
		case waits:
			d.look(slot, s.now+g.of(g.name(slot)).again())
		}
	}
	if s.decided > before {
		g.await(s.last(), s.now)
	}
}

func (d *Deadlines) bury(slot uint32, s *sitting) {
	b := d.measure(slot, s)
	s.expire.Burials = append(s.expire.Burials, b)
	if renewed := s.now - LeaseTime(b.AgeMS); d.floors.stallEnd > renewed {
		s.expire.StallMS = clampMS(LeaseTime(d.floors.stall / time.Millisecond))
	}
}

func (d *Deadlines) hold(slot uint32, s *sitting) {
	h := s.holdOf(d.guard.of(d.guard.name(slot)))
	h.Burials = append(h.Burials, d.measure(slot, s))
}

// measure counts a lease among the decided.
func (d *Deadlines) measure(slot uint32, s *sitting) Burial {
	s.decided++
	epoch, seq, ttl := d.leases(slot)
	renewed := *d.deadline(slot) - LeaseTime(ttl)
	age := max(0, s.now-renewed)
	return Burial{Epoch: epoch, Seq: seq, AgeMS: clampMS(age), OverdueMS: clampMS(max(0, age-LeaseTime(ttl)))}
}

// holdOf returns the Hold of that scope in this sitting.
func (s *sitting) holdOf(sc *scope) *Hold {
	for _, h := range s.holds {
		if h.NS == sc.NS && h.Service == sc.Service {
			return h
		}
	}
	h := sc.order(s.expire.Term)
	s.holds = append(s.holds, h)
	return h
}

// last returns the epoch that will be applied last.
func (s *sitting) last() uint64 {
	burials := s.expire.Burials
	if n := len(s.holds); n > 0 {
		burials = s.holds[n-1].Burials
	}
	return burials[len(burials)-1].Epoch
}

func clampMS(t LeaseTime) uint32 { return uint32(min(t, math.MaxUint32)) }
