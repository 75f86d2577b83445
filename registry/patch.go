package registry

import "slices"

// patch changes what is named of a live lease; it is one event, or none if
// nothing changes.
func (s *State) patch(c *Patch) Result {
	slot, alive := s.find(c.NS, c.ID)
	if !alive || s.leases.at(slot).epoch != c.Epoch {
		return s.absent(c.NS, c.ID, c.Epoch)
	}
	before := s.view(slot)
	after := c.amended(before)
	if same(&before, &after) {
		return s.present(OK, slot)
	}
	s.next()
	s.amend(slot, &after)
	l := new(s.view(slot))
	kind := EventUpdated
	if !before.drains() && l.drains() {
		kind = EventDraining
	}
	s.emit(kind, &before, l, nil)
	return Result{Revision: s.revision, Lease: l, RemainingMS: s.timer.remaining(slot)}
}

// amended returns l with what c names. A held lease stays held, and will resume
// what c names; none can be talked into a state that is not its holder's to
// choose.
func (c *Patch) amended(l Lease) Lease {
	if c.State != nil && (*c.State == Alive || *c.State == Draining) {
		if l.State == Held {
			l.Resumes = *c.State
		} else {
			l.State = *c.State
		}
	}
	if c.Address != nil {
		l.Spec.Address = *c.Address
	}
	if c.Port != nil {
		l.Spec.Port = *c.Port
	}
	if c.Tags != nil {
		l.Spec.Tags = *c.Tags
	}
	if c.Meta != nil {
		l.Spec.Meta = *c.Meta
	}
	return l
}

func same(a, b *Lease) bool {
	return a.State == b.State && a.Resumes == b.Resumes && a.Spec.equal(&b.Spec)
}

func (s *Spec) equal(o *Spec) bool {
	return s.Service == o.Service && s.Address == o.Address && s.Port == o.Port &&
		slices.Equal(s.Tags, o.Tags) && slices.Equal(s.Meta, o.Meta)
}

// amend writes a changed lease back, through every index.
func (s *State) amend(slot uint32, to *Lease) {
	l := s.leases.at(slot)
	s.sum -= s.digestLease(l)
	s.postings.drop(slot)
	s.groups.move(l.group, l.state, to.State)
	l.packed = pack(to.ID, l.packed.origin(), &to.Spec)
	l.become(to.State, to.Resumes)
	l.port, l.revision = to.Spec.Port, s.revision
	s.postings.add(slot)
	s.sum += s.digestLease(l)
	s.changed(slot)
}
