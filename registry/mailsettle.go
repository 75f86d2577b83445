package registry

import (
	"cmp"
	"fmt"
	"slices"
)

// settleMail puts loaded messages into their mailboxes and checks that they
// belong together.
func (s *State) settleMail() error {
	for number, l := range s.replay.mail.numbers {
		if err := s.settleMailbox(number, l); err != nil {
			return fmt.Errorf("mailbox of number %d: %w", number, err)
		}
	}
	if len(s.mail.names) != len(s.replay.mail.numbers) {
		return fmt.Errorf("two mailboxes of one id: %w", ErrInconsistent)
	}
	if s.mail.bodyKeys() != s.replay.mail.bodies || s.mail.reasonKeys() != s.replay.mail.reasons {
		return fmt.Errorf("bodies or reasons do not belong to the messages: %w", ErrInconsistent)
	}
	s.sum += s.mail.recount()
	return nil
}

func (s *State) settleMailbox(number uint64, l *loadedMailbox) error {
	b := l.box
	if !l.named || number == 0 || number > b.revision || b.revision > s.revision || b.forgotten.To > b.last {
		return ErrInconsistent
	}
	slices.SortFunc(l.slots, func(a, b uint32) int { return cmp.Compare(s.mail.at(a).offset, s.mail.at(b).offset) })
	var tombstones []uint32
	for i, slot := range l.slots {
		if i > 0 && s.mail.at(l.slots[i-1]).offset == s.mail.at(slot).offset || !s.settleMessage(b, slot) {
			return fmt.Errorf("message of offset %d: %w", s.mail.at(slot).offset, ErrInconsistent)
		}
		if m := s.mail.at(slot); m.state == MessageAcked || m.state == MessageExpired {
			tombstones = append(tombstones, slot)
		}
	}
	s.settleTombstones(b, tombstones)
	s.address(b)
	return nil
}

// settleMessage enters a message, all but the order of tombstones. It is false
// for one that cannot be.
func (s *State) settleMessage(b *mailbox, slot uint32) bool {
	m := s.mail.at(slot)
	if _, twice := s.mail.find(b, m.id); twice || m.offset > b.last || s.mail.origin(slot) > m.offset {
		return false
	}
	s.mail.ids.insert(s.mail.hash(b.local, m.id), slot)
	s.mail.bytes += messageOverhead
	switch m.state {
	case MessagePending:
		s.settlePending(b, slot)
	case MessageDead:
		b.dead = append(b.dead, slot)
		b.deadBytes += uint64(m.size)
		s.settleLive(slot)
	case MessageExpired:
		b.lost = append(b.lost, slot)
		fallthrough
	default:
		return m.due <= s.revision && m.until <= s.clusterMS
	}
	return true
}

func (s *State) settlePending(b *mailbox, slot uint32) {
	m := s.mail.at(slot)
	b.pending = append(b.pending, slot)
	b.bytes += uint64(m.size)
	if m.attempts > 0 {
		b.nacked = append(b.nacked, slot)
	}
	s.settleLive(slot)
}

func (s *State) settleLive(slot uint32) {
	s.mail.bytes += uint64(s.mail.at(slot).size)
	s.mail.deadlines.add(slot)
}

// settleTombstones queues the tombstones of a mailbox in the order in which they
// came to be; a mailbox with nothing is idle.
func (s *State) settleTombstones(b *mailbox, slots []uint32) {
	slices.SortStableFunc(slots, func(x, y uint32) int { return cmp.Compare(s.mail.at(x).due, s.mail.at(y).due) })
	for _, slot := range slots {
		s.mail.queue(b, slot)
	}
	if b.empty() {
		s.mail.idle.add(b.local)
	}
}

// bodyKeys counts the bodies that should be there.
func (r *mailroom) bodyKeys() (t tally) {
	r.each(func(slot uint32, m *message) {
		if m.state == MessagePending || m.state == MessageDead {
			t.add(r.key(slot))
		}
	})
	return t
}

// reasonKeys counts the reasons that should be there.
func (r *mailroom) reasonKeys() (t tally) {
	r.each(func(slot uint32, m *message) {
		if m.marks&reasoned != 0 {
			t.add(r.key(slot))
		}
	})
	return t
}
