package registry

import "slices"

// The while after which a nacked message comes again, in milliseconds: it
// doubles with every nack.
const (
	nackFirst = 200
	nackMax   = 30_000
)

// nack gives messages back, or makes dead letters of them.
func (s *State) nack(c *Nack) Result {
	if r, refused := s.fenced(c.NS, c.ID, c.Epoch); refused {
		return r
	}
	b := s.mail.mailbox(c.NS, c.ID)
	slots, known := s.named(b, c.Messages)
	if !known {
		return s.result(NoMessage)
	}
	slots = s.mail.untried(s.mail.sorted(slots), c.Attempt)
	if len(slots) == 0 {
		return s.mailed(s.result(OK), b, &MailResult{})
	}
	revision := s.next()
	done := &MailResult{Nacked: len(slots), Dead: s.nacked(b, slots, c.Reason)}
	return s.mailed(Result{Revision: revision}, b, done)
}

// untried returns the messages for which an attempt is the next; all of them
// for attempt 0.
func (r *mailroom) untried(slots []uint32, attempt uint32) []uint32 {
	if attempt == 0 {
		return slots
	}
	next := slots[:0]
	for _, slot := range slots {
		if r.at(slot).attempts+1 == attempt {
			next = append(next, slot)
		}
	}
	return next
}

// nacked counts one more attempt of messages that wait, and returns how many of
// them died of it.
func (s *State) nacked(b *mailbox, slots []uint32, reason string) (died int) {
	s.altered(b)
	var dead []uint32
	for _, slot := range slots {
		s.keepReason(slot, reason)
		if s.mail.at(slot).attempts+1 >= s.maxAttempts() {
			dead = append(dead, slot)
		} else {
			s.postpone(b, slot)
		}
	}
	s.kill(b, dead)
	return len(dead)
}

// maxAttempts is the number of the nack that makes a dead letter.
func (s *State) maxAttempts() uint32 {
	if s.faults.NackKills {
		return s.kept.Mail.MaxAttempts - 1
	}
	return s.kept.Mail.MaxAttempts
}

// postpone gives a message back for later.
func (s *State) postpone(b *mailbox, slot uint32) {
	if s.mail.at(slot).attempts == 0 {
		s.mail.join(&b.nacked, slot)
	}
	s.alter(slot, func(m *message) {
		m.due = later(s.clusterMS, nackDelay(m.attempts))
		m.attempts++
		if s.faults.BackoffForgotten {
			m.due = s.clusterMS
		}
	})
	s.ring(b)
}

// nackDelay returns how long a message stays away after a nack, given how many
// it had before.
func nackDelay(nacks uint32) uint64 { return min(nackMax, uint64(nackFirst)<<min(nacks, 16)) }

// kill makes dead letters of messages that wait.
func (s *State) kill(b *mailbox, slots []uint32) {
	s.takeOut(b, slots...)
	limits := s.kept.Mail
	for _, slot := range slots {
		s.alter(slot, func(m *message) {
			m.attempts++
			m.state, m.until, m.due = MessageDead, later(s.clusterMS, limits.DeadMS), 0
		})
		s.mail.deadlines.fix(slot)
		s.mail.join(&b.dead, slot)
	}
	b.deadBytes += s.mail.size(slots)
	s.trimDead(b, int(limits.Dead), 2*len(slots))
}

// trimDead expires the dead letters that are too many, at most that many of
// them: a lower limit is reached in bounded steps.
func (s *State) trimDead(b *mailbox, keep, steps int) {
	if n := min(steps, len(b.dead)-keep); n > 0 {
		for _, slot := range s.mail.oldestDead(b, n) {
			s.expireMessage(slot)
		}
	}
}

// oldestDead returns the n dead letters of a mailbox that would expire first.
func (r *mailroom) oldestDead(b *mailbox, n int) []uint32 {
	if n == 1 {
		return []uint32{slices.MinFunc(b.dead, r.byUntil)}
	}
	dead := slices.Clone(b.dead)
	slices.SortFunc(dead, r.byUntil)
	return dead[:n]
}
