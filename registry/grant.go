package registry

// grant makes a lease, or takes a live one over.
func (s *State) grant(c *Grant) Result {
	old, alive := s.find(c.NS, c.ID)
	if c.Key != "" {
		if r, known := s.repeated(c, old, alive); known {
			return r
		}
	}
	if alive && c.IfAbsent {
		return s.present(Taken, old)
	}
	if alive {
		return s.takeOver(c, old)
	}
	s.next()
	l := s.admit(c, s.revision, 0)
	s.emit(EventRegistered, nil, l, nil)
	return s.granted(Result{Lease: l, Created: true})
}

// takeOver ends the live lease of the id and grants a new one, in one event.
func (s *State) takeOver(c *Grant, old uint32) Result {
	s.next()
	before, ended := s.end(old, ending{cause: CauseReplaced})
	epoch := s.revision
	if s.faults.EpochReuse {
		epoch = ended.Epoch
	}
	l := s.admit(c, epoch, ended.Epoch)
	s.emit(EventReplaced, before, l, ended)
	return s.granted(Result{Lease: l, ReplacedEpoch: ended.Epoch})
}

// granted completes the result of a Grant that made a lease.
func (s *State) granted(r Result) Result {
	r.Revision, r.RemainingMS = s.revision, int64(r.Lease.TTL)
	r.Pending = int(s.waiting(s.leases.at(r.Lease.Slot)))
	return r
}

// repeated answers a Grant whose Idempotency-Key was seen before: while that
// epoch lives, with the revision and the replaced epoch of the first time.
func (s *State) repeated(c *Grant, slot uint32, alive bool) (Result, bool) {
	if alive {
		if from := s.leases.at(slot).packed.origin(); from.key == c.Key {
			r := s.present(Duplicate, slot)
			r.Revision, r.ReplacedEpoch = r.Lease.Epoch, from.replaced
			return r, true
		}
	}
	old := s.certificates.byKey[keyed{Identity{c.NS, c.ID}, c.Key}]
	if old == nil {
		return Result{}, false
	}
	return s.absent(c.NS, c.ID, old.Epoch), true
}

// present is the result of a command that met the lease in slot and left it.
func (s *State) present(code Code, slot uint32) Result {
	r := s.result(code)
	r.Lease = new(s.view(slot))
	r.RemainingMS = s.timer.remaining(slot)
	r.Pending = int(s.waiting(s.leases.at(slot)))
	return r
}

// admit puts a new lease into the slab and every index; replaced is the epoch
// that it took over, or 0.
func (s *State) admit(c *Grant, epoch, replaced uint64) *Lease {
	slot := s.leases.take()
	*s.leases.at(slot) = lease{
		packed: pack(c.ID, origin{c.Key, replaced}, &c.Spec), epoch: epoch, granted: s.wall, renewed: s.wall,
		revision: s.revision, born: s.turn.moment, ttl: c.TTL, group: s.groups.join(c.NS, c.Spec.Service, Alive),
		port: c.Spec.Port, state: Alive, box: s.mail.addressed(c.NS, c.ID),
	}
	s.enter(slot)
	s.postings.add(slot)
	s.changed(slot)
	s.timer.start(slot, c.TTL)
	return new(s.view(slot))
}

// enter makes a filled slot known by its epoch and its id, and counts it in
// the digest.
func (s *State) enter(slot uint32) {
	l := s.leases.at(slot)
	s.epochs.insert(hashEpoch(l.epoch), slot)
	s.ids.insert(s.ids.hash(slot), slot)
	s.sum += s.digestLease(l) + l.digestBeats()
}

// changed notes that a lease changed with the present revision.
func (s *State) changed(slot uint32) {
	l := s.leases.at(slot)
	s.touch(l.group)
	s.image.changed(l)
}

// touch notes that a group changed with the present revision.
func (s *State) touch(number uint32) {
	g := s.groups.at(number)
	g.revision = s.revision
	s.image.touched(g)
}
