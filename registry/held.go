package registry

// hold holds overdue leases of which nothing was heard since the judge decided.
// A Hold of a judge whose term has passed does nothing.
func (s *State) hold(c *Hold) Result {
	if c.Term != s.term || s.unserved {
		return s.result(WrongTerm)
	}
	held := 0
	for _, b := range c.Burials {
		if s.detain(c, b) {
			held++
		}
	}
	r := s.result(OK)
	r.Buried = held
	return r
}

func (s *State) detain(c *Hold, b Burial) bool {
	slot, alive := s.live(b.Epoch)
	if !alive {
		return false
	}
	l := s.leases.at(slot)
	name := s.groups.at(l.group).name()
	if l.seq != b.Seq || l.state == Held || name.ns != c.NS || c.Service != "" && name.service != c.Service {
		return false
	}
	if h := s.holdOf(name); h == nil {
		s.beginHold(c)
	} else if h.over(s.clusterMS) {
		return false
	}
	s.next()
	s.restate(slot, Held, l.state, EventHeld)
	return true
}

func (s *State) beginHold(c *Hold) {
	ends := s.clusterMS + min(c.MaxMS, holdMaxMS)
	s.putHold(&hold{
		serviceName: serviceName{c.NS, c.Service}, reason: c.Reason[:min(len(c.Reason), reasonMax)],
		since: s.clusterMS, ends: ends, rests: ends + min(c.RestMS, holdMaxMS),
	})
	s.turn.begun++
}

// unhold gives a held lease that was heard of its state back, with a revision
// and an event of its own.
func (s *State) unhold(slot uint32) {
	l := s.leases.at(slot)
	s.next()
	s.restate(slot, l.resumes(), 0, EventReleased)
	s.lift(s.groups.at(l.group).name())
}

// restate gives a lease another state with the present revision, and emits that.
func (s *State) restate(slot uint32, to, resumes LeaseState, kind EventType) {
	l, before := s.leases.at(slot), new(s.view(slot))
	s.sum -= s.digestLease(l)
	s.groups.move(l.group, l.state, to)
	l.become(to, resumes)
	l.revision = s.revision
	s.sum += s.digestLease(l)
	s.changed(slot)
	s.emit(kind, before, new(s.view(slot)), nil)
}

// endHolds ends the holds of a namespace or of one service, which rest from now
// on.
func (s *State) endHolds(c *Release) Result {
	scope := serviceName{c.NS, c.Service}
	_, held := s.groups.census(scope)
	if held > 0 && s.holds[scope] == nil {
		s.setApart(scope)
	}
	for name, h := range s.holds {
		if name == scope || c.Service == "" && name.ns == c.NS {
			s.endHold(h)
		}
	}
	r := s.result(OK)
	r.Buried = held
	return r
}

// setApart gives a service that is held with its namespace a hold of its own.
func (s *State) setApart(name serviceName) {
	if h := s.holdOf(name); h != nil {
		own := *h
		own.serviceName, own.marks = name, 0
		s.putHold(&own)
	}
}

func (s *State) endHold(h *hold) {
	if h.over(s.clusterMS) {
		return
	}
	rest := h.rests - h.ends
	s.sum -= digestHold(h)
	h.ends, h.rests = s.clusterMS, s.clusterMS+rest
	s.sum += digestHold(h)
	s.image.heldBack(h)
}
