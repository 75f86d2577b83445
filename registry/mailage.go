package registry

// mailSteps is how many messages one entry may end, and how many tombstones and
// mailboxes it may forget, beyond those that it makes: what is left waits for
// the next.
const mailSteps = 1000

// ageMail ends and forgets, by the cluster time of the entry, what is too old
// or too much.
func (s *State) ageMail() {
	s.expireMail()
	forgotten := s.forgetTombstones()
	s.forgetMailboxes(mailSteps + forgotten)
	s.turn.sent, s.turn.ended = 0, 0
}

func (s *State) expireMail() {
	now := s.clusterMS
	if s.faults.ExpireEarly {
		now += 5000
	}
	for range mailSteps + 2*s.turn.sent {
		slot, some := s.mail.deadlines.first()
		if !some || s.mail.at(slot).until > now {
			return
		}
		s.expireMessage(slot)
	}
}

func (s *State) forgetTombstones() (forgotten int) {
	keep := s.kept.Mail.TombstoneMS
	if s.faults.TombstonesDropped {
		keep = 0
	}
	for range mailSteps + 2*s.turn.ended {
		n, some := s.mail.aging.first()
		if !some || s.clusterMS-s.mail.ended(n) <= keep {
			break
		}
		s.forgetTombstone(s.mail.boxes[n])
		forgotten++
	}
	return forgotten
}

// ended returns when the oldest tombstone of a mailbox ended.
func (r *mailroom) ended(box uint32) uint64 { return r.at(r.boxes[box].oldest - 1).until }

func (s *State) forgetMailboxes(steps int) {
	keep := int(s.kept.Mail.Idle)
	for ; steps > 0 && len(s.mail.idle.slots) > keep; steps-- {
		n, _ := s.mail.idle.first()
		s.closeMailbox(s.mail.boxes[n])
	}
}
