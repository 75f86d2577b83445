package registry

import (
	"cmp"
	"slices"
)

// ack ends messages that were read.
func (s *State) ack(c *Ack) Result {
	if r, refused := s.fenced(c.NS, c.ID, c.Epoch); refused {
		return r
	}
	b := s.mail.mailbox(c.NS, c.ID)
	if c.UpTo > s.lastOffset(b) {
		return s.result(BeyondEnd)
	}
	slots, known := s.named(b, c.Messages)
	if !known {
		return s.result(NoMessage)
	}
	if b == nil {
		return s.mailed(s.result(OK), nil, &MailResult{})
	}
	slots = append(slots, b.pending[:s.mail.beyond(b.pending, c.UpTo)]...)
	slots = s.mail.sorted(slots)
	if len(slots) > 0 {
		s.next()
		s.acked(b, slots)
	}
	return s.mailed(s.result(OK), b, &MailResult{Acked: len(slots)})
}

// fenced refuses what an epoch asks that does not hold the id. Epoch 0 stands
// for whoever.
func (s *State) fenced(ns, id string, epoch uint64) (Result, bool) {
	if epoch == 0 {
		return Result{}, false
	}
	if slot, alive := s.find(ns, id); alive && s.leases.at(slot).epoch == epoch {
		return Result{}, false
	}
	return s.absent(ns, id, epoch), true
}

// lastOffset returns the last offset that was given in a mailbox; of one that
// was forgotten, it is no more than the floor.
func (s *State) lastOffset(b *mailbox) uint64 {
	if b == nil {
		return s.mail.floor
	}
	return b.last
}

// named returns which of those messages are pending. It is false where ids were
// given and not one is known.
func (s *State) named(b *mailbox, ids []MessageID) (pending []uint32, known bool) {
	if b == nil {
		return nil, len(ids) == 0
	}
	known = len(ids) == 0
	for _, id := range ids {
		slot, ok := s.mail.find(b, id)
		known = known || ok
		if ok && s.mail.at(slot).state == MessagePending {
			pending = append(pending, slot)
		}
	}
	return pending, known
}

// sorted returns slots of one mailbox by offset, each once.
func (r *mailroom) sorted(slots []uint32) []uint32 {
	byOffset := func(a, b uint32) int { return cmp.Compare(r.at(a).offset, r.at(b).offset) }
	if !slices.IsSortedFunc(slots, byOffset) {
		slices.SortFunc(slots, byOffset)
	}
	return slices.Compact(slots)
}

// acked leaves a tombstone of each of those messages, which wait.
func (s *State) acked(b *mailbox, slots []uint32) {
	s.altered(b)
	s.takeOut(b, slots...)
	if s.faults.OffsetReused && s.mail.at(slots[len(slots)-1]).offset == b.last {
		s.rework(b, func(b *mailbox) { b.last-- })
	}
	for _, slot := range slots {
		s.entomb(b, slot, MessageAcked)
	}
}
