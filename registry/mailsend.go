package registry

import "math"

// send puts a message at the end of a mailbox; again, it answers what became
// of it.
func (s *State) send(c *Send) Result {
	b := s.mail.mailbox(c.NS, c.ID)
	if b != nil {
		if slot, known := s.mail.find(b, c.Message); known && !s.faults.DuplicateSendAgain {
			return s.mailed(s.result(Duplicate), b, &MailResult{Message: s.mail.view(slot)})
		}
	}
	if s.mailboxFull(b, uint64(len(c.Body.Data)), false) {
		return s.result(MailboxFull)
	}
	s.next()
	if b == nil {
		b = s.openMailbox(c.NS, c.ID)
	} else if b.empty() {
		s.mail.idle.remove(b.local)
	}
	slot := s.receive(b, c)
	return s.mailed(s.result(OK), b, &MailResult{Message: s.mail.view(slot)})
}

// mailed completes what a command did to a mailbox.
func (s *State) mailed(r Result, b *mailbox, m *MailResult) Result {
	if b != nil {
		m.Pending = len(b.pending)
	}
	r.Mail = m
	return r
}

// receive makes the message of a Send. Its body goes to the durable image.
func (s *State) receive(b *mailbox, c *Send) uint32 {
	slot := s.mail.take()
	m := s.mail.at(slot)
	m.id, m.box, m.size = c.Message, b.local, uint32(len(c.Body.Data))
	m.ttl = uint32(min(c.TTL, math.MaxUint32))
	s.mail.ids.insert(s.mail.hash(b.local, m.id), slot)
	s.enqueue(b, slot)
	s.sum += s.mail.digest(slot)
	s.mail.deadlines.add(slot)
	s.mail.bytes += uint64(m.size) + messageOverhead
	s.turn.sent++
	s.image.mail.changed(slot, m)
	s.image.mail.keep(s.mail.key(slot), appendBody(&c.Body, s.wall))
	return slot
}

// enqueue gives a message the next offset and its full time.
func (s *State) enqueue(b *mailbox, slot uint32) {
	m := s.mail.at(slot)
	s.rework(b, func(b *mailbox) {
		b.last++
		b.revision = s.revision
	})
	m.offset, m.state = b.last, MessagePending
	m.until = later(s.clusterMS, uint64(m.ttl))
	b.pending = append(b.pending, slot)
	b.bytes += uint64(m.size)
	s.ring(b)
}

// later returns the cluster time that is ms after another.
func later(at, ms uint64) uint64 { return at + min(ms, math.MaxUint64-at) }

// ring names a mailbox in the outcome of the entry, once.
func (s *State) ring(b *mailbox) {
	if b.rung != s.index {
		b.rung = s.index
		s.turn.mail = append(s.turn.mail, b.Identity)
	}
}

// requeue puts a dead letter at the end of its mailbox.
func (s *State) requeue(c *Requeue) Result {
	b := s.mail.mailbox(c.NS, c.ID)
	if b == nil {
		return s.result(NoMessage)
	}
	slot, known := s.mail.find(b, c.Message)
	if !known || s.mail.at(slot).state != MessageDead {
		return s.result(NoMessage)
	}
	if s.mailboxFull(b, uint64(s.mail.at(slot).size), true) {
		return s.result(MailboxFull)
	}
	s.next()
	s.revive(b, slot)
	return s.mailed(s.result(OK), b, &MailResult{Message: s.mail.view(slot)})
}

// revive makes a dead letter a message that waits, with a new offset. Its
// records keep their keys.
func (s *State) revive(b *mailbox, slot uint32) {
	s.takeOut(b, slot)
	s.forgetReason(slot)
	first := s.mail.origin(slot)
	s.alter(slot, func(m *message) {
		m.attempts = 0
		m.marks |= moved
		s.mail.first[slot] = first
		s.enqueue(b, slot)
	})
	s.mail.deadlines.fix(slot)
}

// alter changes a message.
func (s *State) alter(slot uint32, f func(*message)) {
	m := s.mail.at(slot)
	s.sum -= s.mail.digest(slot)
	f(m)
	s.sum += s.mail.digest(slot)
	s.image.mail.changed(slot, m)
}
