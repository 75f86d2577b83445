package registry

// ending says how a lease ends. Without a measured age the certificate takes
// the age of the last renewal from the wall stamps.
type ending struct {
	cause     Cause
	measured  bool
	ageMS     uint32
	overdueMS uint32
	stallMS   uint32
}

// end takes a live lease out of every index and writes its certificate, which
// carries the present revision. It returns the lease as it was, too.
func (s *State) end(slot uint32, how ending) (*Lease, *Certificate) {
	before := new(s.view(slot))
	c := s.certify(slot, how)
	s.discharge(slot)
	if !s.faults.CertificateForgotten {
		s.certificates.add(c)
		s.sum += digestCertificate(c)
		s.image.certified(c)
	}
	return before, &c.Certificate
}

// discharge is the opposite of admit.
func (s *State) discharge(slot uint32) {
	l := s.leases.at(slot)
	s.timer.stop(slot)
	s.touch(l.group)
	s.image.lost(KindLease, l.epoch, l.marks)
	s.sum -= s.digestLease(l) + l.digestBeats()
	s.postings.drop(slot)
	s.epochs.remove(hashEpoch(l.epoch), slot)
	s.ids.remove(s.ids.hash(slot), slot)
	name, held := s.groups.at(l.group).name(), l.state == Held
	s.groups.part(l.group, l.state)
	s.leases.release(slot)
	if held {
		s.lift(name)
	}
}

func (s *State) certify(slot uint32, how ending) *certificate {
	l := s.leases.at(slot)
	g := s.groups.at(l.group)
	age := uint64(max(0, s.wall-l.renewed))
	if how.measured {
		age = uint64(how.ageMS)
	}
	return &certificate{
		Certificate: Certificate{
			NS: g.ns.name, ID: l.packed.id(), Service: g.service, Epoch: l.epoch, Cause: how.cause,
			At: s.wall, Revision: s.revision, Judge: s.turn.proposer, Term: s.term, LastSeq: l.seq,
			LastRenewalAgeMS: age, TTL: l.ttl, OverdueMS: uint64(how.overdueMS), Missed: l.missed(),
			JudgeStallMS: how.stallMS,
		},
		key: l.packed.origin().key, ended: s.clusterMS,
	}
}

// leave ends a lease by the will of its holder; again, it answers the same.
func (s *State) leave(c *Leave) Result {
	slot, alive := s.find(c.NS, c.ID)
	if alive && (s.leases.at(slot).epoch == c.Epoch || s.faults.OldEpochLeaves) {
		return s.finish(slot, CauseLeft, EventLeft)
	}
	if old := s.ended(c.NS, c.ID, c.Epoch); old != nil && old.Cause == CauseLeft {
		return Result{Revision: old.Revision, Certificate: &old.Certificate}
	}
	return s.absent(c.NS, c.ID, c.Epoch)
}

// evict ends whatever lease an id has; again, it answers the same.
func (s *State) evict(c *Evict) Result {
	if slot, alive := s.find(c.NS, c.ID); alive {
		return s.finish(slot, CauseEvicted, EventEvicted)
	}
	old := s.certificates.newest[Identity{c.NS, c.ID}]
	switch {
	case old == nil:
		return s.result(NotFound)
	case old.Cause == CauseEvicted:
		return Result{Revision: old.Revision, Certificate: &old.Certificate}
	}
	r := s.result(Ended)
	r.Certificate = &old.Certificate
	return r
}

func (s *State) finish(slot uint32, cause Cause, kind EventType) Result {
	s.next()
	before, c := s.end(slot, ending{cause: cause})
	s.emit(kind, before, nil, c)
	return Result{Revision: s.revision, Certificate: c}
}

// expire buries leases of which nothing was heard since the judge decided. An
// Expire of a judge whose term has passed does nothing.
func (s *State) expire(c *Expire) Result {
	if (c.Term != s.term || s.unserved) && !s.faults.BurialWithoutTerm {
		return s.result(WrongTerm)
	}
	buried := 0
	s.burials(c, func(b Burial) {
		if s.bury(b, c.StallMS) {
			buried++
		}
	})
	r := s.result(OK)
	r.Buried = buried
	return r
}

// burials visits the burials in their order.
func (s *State) burials(c *Expire, f func(Burial)) {
	if s.faults.MapOrderInApply {
		c.shuffled(f)
		return
	}
	for _, b := range c.Burials {
		f(b)
	}
}

func (s *State) bury(b Burial, stallMS uint32) bool {
	slot, alive := s.live(b.Epoch)
	if !alive || s.leases.at(slot).seq != b.Seq && !s.faults.BurialWithoutSeq {
		return false
	}
	s.next()
	before, c := s.end(slot, ending{CauseExpired, true, b.AgeMS, b.OverdueMS, stallMS})
	s.emit(EventExpired, before, nil, c)
	return true
}
