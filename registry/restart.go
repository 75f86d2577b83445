package registry

// Restoration says how a state goes on that was loaded from a backup. What is
// the same for all replicas comes with the entry.
type Restoration struct {
	At        Position // of the entry that restores it
	Revision  uint64   // at least
	Wall      int64    // at least
	ClusterID string   // of the cluster that it becomes the state of
}

// Restart makes a loaded replica, which has applied nothing since, the state of
// a cluster that may have been further, or another. Every lease lives on under
// its epoch. The revision jumps to that of c, or else to the next, so that none
// given before is given again; and with it, for they never exceed it, the offsets
// of all mailboxes. What happened before is forgotten, so that every watch of
// before is told `compacted`. Until a Serve of this state nobody is buried or
// held: whoever proposed that judged by another.
func (r *Replica) Restart(c Restoration) {
	r.restart(c)
	r.version.applied++
}

func (s *State) restart(c Restoration) {
	s.index, s.term = c.At.Index, c.At.Term
	s.revision = max(s.revision+1, c.Revision)
	s.wall = max(s.wall, c.Wall)
	s.clusterID = c.ClusterID
	s.check, s.unserved = checkpoint{}, true
	s.replay.from, s.replay.at, s.replay.wall = s.index, s.index, s.wall
	s.forgetAllEvents()
	s.rebear()
	s.jumpOffsets()
	for number := range s.groups.list {
		if s.groups.at(uint32(number)).leases > 0 {
			s.touch(uint32(number))
		}
	}
}

// forgetAllEvents leaves a log of events that ends at the present revision.
func (s *State) forgetAllEvents() {
	g := &s.events
	for g.count > 0 {
		old := *g.at(0)
		g.shift()
		s.sum -= digestEvent(old.revision, old.record)
		if old.revision <= g.stored {
			s.image.lost(KindEvent, old.revision, stored)
		}
	}
	g.dropped, g.stored = dropped{s.revision, s.wall}, s.revision
	g.made, g.added = 0, 0
}

// rebear sees to it that no lease was born beyond the present index: that of
// another cluster may have been further.
func (s *State) rebear() {
	now := newMoment(s.index, 0)
	s.leases.each(func(_ uint32, l *lease) {
		if l.born > now {
			l.born = now
			s.image.changed(l)
		}
	})
}

// jumpOffsets lets every mailbox go on beyond all offsets that were ever given.
func (s *State) jumpOffsets() {
	for _, b := range s.mail.boxes {
		if b != nil {
			s.rework(b, func(b *mailbox) { b.last = s.revision })
		}
	}
	s.raise(s.revision)
}
