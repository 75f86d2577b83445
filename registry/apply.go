package registry

// advanceMax bounds what one entry may add to the cluster time, in
// milliseconds: a leader proposes at least every 10 s, so more is a fault.
const advanceMax = 10 * 60 * 1000

// apply applies one committed entry. The outcome depends on the state and the
// entry alone (but for what the timer says of the time that remains).
func (s *State) apply(at Position, e *Entry) Outcome {
	if at.Index <= s.index {
		return s.again(at, e)
	}
	s.stamp(at, e)
	out := Outcome{Index: at.Index, Results: make([]Result, len(e.Commands))}
	for i, c := range e.Commands {
		s.turn.moment = newMoment(at.Index, i)
		out.Results[i] = s.do(c)
	}
	s.forget()
	s.forgetEvents()
	s.forgetHolds()
	s.ageMail()
	out.Revision = s.revision
	out.Events, s.turn.events = s.turn.events, nil
	out.Holds, s.turn.begun = s.turn.begun, 0
	out.Mail, s.turn.mail = s.turn.mail, nil
	return out
}

// stamp takes over position and time of an entry.
func (s *State) stamp(at Position, e *Entry) {
	s.clusterMS = later(s.clusterMS, s.advance(at, e))
	s.index, s.term = at.Index, at.Term
	s.replay.at = at.Index
	s.wall = max(s.wall, e.Wall)
	s.turn.wall, s.turn.proposer, s.turn.again = s.wall, e.Proposer, false
}

// advance returns by how much an entry advances the cluster time. The first of
// a term does not: its proposer may have been deposed and elected again before
// it noticed, and would count what the leader between has counted.
func (s *State) advance(at Position, e *Entry) uint64 {
	if at.Term != s.term && !s.faults.TimeCountedTwice {
		return 0
	}
	return uint64(min(e.Advance, advanceMax))
}

func (s *State) do(c Command) Result {
	switch c := c.(type) {
	case *Renew:
		return s.renew(c)
	case *RenewNamed:
		return s.renewNamed(c)
	case *Grant:
		return s.grant(c)
	case *Patch:
		return s.patch(c)
	case *Leave:
		return s.leave(c)
	case *Evict:
		return s.evict(c)
	case *Expire:
		return s.expire(c)
	case *Serve:
		return s.serve(c)
	case *Hold:
		return s.hold(c)
	case *Release:
		return s.endHolds(c)
	case *Send:
		return s.send(c)
	case *Ack:
		return s.ack(c)
	case *Nack:
		return s.nack(c)
	case *Requeue:
		return s.requeue(c)
	case *Check:
		s.check = checkpoint{s.index, s.Digest()}
	}
	return s.result(OK)
}

// result is that of a command that changed nothing.
func (s *State) result(code Code) Result { return Result{Code: code, Revision: s.revision} }

// serve opens the service of a leader, founds the cluster and sets what is kept.
func (s *State) serve(c *Serve) Result {
	switch {
	case c.Term != s.term:
		return s.result(WrongTerm)
	case s.clusterID != "" && c.ClusterID != s.clusterID:
		return s.result(ForeignCluster)
	}
	s.clusterID, s.unserved = c.ClusterID, false
	s.retain(c.Retention)
	return s.result(OK)
}

// next counts one change and returns its revision.
func (s *State) next() uint64 {
	s.revision++
	return s.revision
}

// emit adds an event of the present revision; before is the lease as it was, l
// the one that lives on after it and c the certificate of the one that ended,
// or nil.
func (s *State) emit(kind EventType, before, l *Lease, c *Certificate) {
	ev := Event{Revision: s.revision, Type: kind, At: s.wall, Lease: l, Before: before, Certificate: c}
	if l != nil {
		ev.NS, ev.ID, ev.Service, ev.Epoch = l.NS, l.ID, l.Spec.Service, l.Epoch
	} else {
		ev.NS, ev.ID, ev.Service, ev.Epoch = c.NS, c.ID, c.Service, c.Epoch
	}
	s.turn.events = append(s.turn.events, ev)
	s.keep(&ev)
}

// absent says why an epoch of an id does not live: a newer one holds the id,
// or it ended, or nothing is known of it.
func (s *State) absent(ns, id string, epoch uint64) Result {
	if slot, ok := s.find(ns, id); ok && s.leases.at(slot).epoch > epoch {
		r := s.result(Superseded)
		r.CurrentEpoch = s.leases.at(slot).epoch
		return r
	}
	if c := s.ended(ns, id, epoch); c != nil {
		r := s.result(Ended)
		r.Certificate = &c.Certificate
		return r
	}
	return s.result(NotFound)
}

// ended returns the kept certificate of an epoch of that id, or nil.
func (s *State) ended(ns, id string, epoch uint64) *certificate {
	c := s.certificates.byEpoch[epoch]
	if c == nil || c.NS != ns || c.ID != id {
		return nil
	}
	return c
}
