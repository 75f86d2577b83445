package registry

import "slices"

// takeOut takes messages of one state, sorted by offset, from where they wait, or
// from the dead letters.
func (s *State) takeOut(b *mailbox, slots ...uint32) {
	if len(slots) == 0 {
		return
	}
	if s.mail.at(slots[0]).state == MessageDead {
		s.mail.part(&b.dead, slots...)
		b.deadBytes -= s.mail.size(slots)
		return
	}
	s.mail.part(&b.pending, slots...)
	b.bytes -= s.mail.size(slots)
	if len(b.nacked) > 0 {
		fresh := func(slot uint32) bool { return s.mail.at(slot).attempts == 0 }
		s.mail.part(&b.nacked, slices.DeleteFunc(slices.Clone(slots), fresh)...)
	}
}

// size adds up bodies.
func (r *mailroom) size(slots []uint32) (bytes uint64) {
	for _, slot := range slots {
		bytes += uint64(r.at(slot).size)
	}
	return bytes
}

// expireMessage ends a message, or a dead letter, whose time is over or for
// which there is no room. It is one change.
func (s *State) expireMessage(slot uint32) {
	b := s.mail.boxes[s.mail.at(slot).box]
	s.next()
	s.altered(b)
	s.takeOut(b, slot)
	s.entomb(b, slot, MessageExpired)
}

// entomb makes a tombstone of a message that was taken out, under the present
// revision. Its body goes.
func (s *State) entomb(b *mailbox, slot uint32, state MessageState) {
	s.mail.deadlines.remove(slot)
	s.forgetReason(slot)
	s.image.mail.drop(s.mail.key(slot), s.mail.at(slot))
	s.mail.bytes -= uint64(s.mail.at(slot).size)
	s.alter(slot, func(m *message) {
		m.state, m.until, m.due, m.place = state, s.clusterMS, s.revision, 0
	})
	if state == MessageExpired {
		s.mail.join(&b.lost, slot)
	}
	s.mail.queue(b, slot)
	s.turn.ended++
	s.trimTombstones(b, 2)
}

// trimTombstones forgets the tombstones that are too many, at most that many of
// them: a lower limit is reached in bounded steps.
func (s *State) trimTombstones(b *mailbox, steps int) {
	keep := int(s.kept.Mail.Tombstones)
	for ; steps > 0 && b.tombstones > keep; steps-- {
		s.forgetTombstone(b)
	}
}

// queue puts a tombstone behind the others of its mailbox.
func (r *mailroom) queue(b *mailbox, slot uint32) {
	b.tombstones++
	if b.oldest == 0 {
		b.oldest, b.newest = slot+1, slot+1
		r.aging.add(b.local)
		return
	}
	r.at(b.newest - 1).place = slot + 1
	b.newest = slot + 1
}

// forgetTombstone forgets the oldest tombstone of a mailbox. What expired
// leaves a gap behind.
func (s *State) forgetTombstone(b *mailbox) {
	slot := b.oldest - 1
	m := s.mail.at(slot)
	if m.state == MessageExpired {
		s.mail.part(&b.lost, slot)
		s.widen(b, m.offset)
	}
	s.unqueue(b)
	s.sum -= s.mail.digest(slot)
	s.mail.bytes -= messageOverhead
	s.image.mail.lost(s.mail.key(slot), m)
	s.mail.ids.remove(s.mail.hash(b.local, m.id), slot)
	delete(s.mail.first, slot)
	s.mail.release(slot)
}

// widen keeps an expired message, of which nothing else is kept, in the gap of
// its mailbox.
func (s *State) widen(b *mailbox, offset uint64) {
	if !s.faults.GapForgotten {
		s.rework(b, func(b *mailbox) { b.forgotten = b.forgotten.around(offset) })
	}
}

// unqueue takes the oldest tombstone off its mailbox.
func (s *State) unqueue(b *mailbox) {
	b.tombstones--
	b.oldest = s.mail.at(b.oldest - 1).place
	if b.oldest != 0 {
		s.mail.aging.fix(b.local)
		return
	}
	b.newest = 0
	s.mail.aging.remove(b.local)
	if b.empty() {
		s.mail.idle.add(b.local)
	}
}

// around returns the least range that holds g and an offset.
func (g Gap) around(offset uint64) Gap {
	if g.To == 0 {
		return Gap{offset, offset}
	}
	return Gap{min(g.From, offset), max(g.To, offset)}
}
