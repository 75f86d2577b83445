package registry

// mailbox is what memory holds of one mailbox. It is remembered, empty too, so
// that no offset is given twice.
type mailbox struct {
	Identity
	name      uint64 // hash of the identity
	number    uint64 // the revision that made it; in the keys of its records
	local     uint32 // its place in the mailroom
	last      uint64 // the last offset given
	revision  uint64 // of the last change
	forgotten Gap    // around all expired messages whose tombstones are gone; To 0: none

	pending   sequence
	nacked    sequence // those of pending that were nacked
	dead      sequence
	lost      sequence // expired, whose tombstones are kept
	bytes     uint64   // of pending bodies
	deadBytes uint64

	tombstones     int
	oldest, newest uint32 // tombstones, slot + 1, by revision of their end and by offset

	place uint32 // in the agenda of aging or of idle mailboxes
	rung  uint64 // index of the last entry whose Outcome.Mail names it
	marks mark
}

// The limits of mail where no Serve has set them.
var defaultMail = MailLimits{
	Messages: 10_000, Bytes: 16 << 20, TotalBytes: 4 << 30, MaxAttempts: 5,
	Tombstones: 10_000, TombstoneMS: 24 * 60 * 60 * 1000,
	Dead: 1000, DeadMS: 7 * 24 * 60 * 60 * 1000, Idle: 100_000,
}

// normal returns l with the defaults in place.
func (l MailLimits) normal() MailLimits {
	setDefault(&l.Messages, defaultMail.Messages)
	setDefault(&l.Bytes, defaultMail.Bytes)
	setDefault(&l.TotalBytes, defaultMail.TotalBytes)
	setDefault(&l.MaxAttempts, defaultMail.MaxAttempts)
	setDefault(&l.Tombstones, defaultMail.Tombstones)
	setDefault(&l.TombstoneMS, defaultMail.TombstoneMS)
	setDefault(&l.Dead, defaultMail.Dead)
	setDefault(&l.DeadMS, defaultMail.DeadMS)
	setDefault(&l.Idle, defaultMail.Idle)
	return l
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// mailboxFull tells whether a body of that size does not fit any more. known says
// that the mail holds it already, as a dead letter.
func (s *State) mailboxFull(b *mailbox, size uint64, known bool) bool {
	l := s.kept.Mail
	if !known && s.mail.bytes+size+messageOverhead > l.TotalBytes {
		return true
	}
	return b != nil && (len(b.pending) >= int(l.Messages) || b.bytes+size > l.Bytes) || size > l.Bytes
}

// openMailbox makes the mailbox of an id, with the present revision as its number.
func (s *State) openMailbox(ns, id string) *mailbox {
	b := &mailbox{Identity: Identity{ns, id}, number: s.revision, last: s.mail.floor, revision: s.revision}
	b.name = b.hash()
	s.mail.place(b)
	s.mail.names[b.Identity] = b.local
	s.address(b)
	s.sum += b.digest()
	s.image.mail.touched(b)
	return b
}

// address tells the live lease of the id which mailbox is its own.
func (s *State) address(b *mailbox) {
	if slot, alive := s.find(b.NS, b.ID); alive && !s.faults.MailboxUnknown {
		s.leases.at(slot).box = b.local + 1
	}
}

// addressed returns what the lease of an id keeps of its mailbox.
func (r *mailroom) addressed(ns, id string) uint32 {
	if b := r.mailbox(ns, id); b != nil {
		return b.local + 1
	}
	return 0
}

// waiting returns how many messages wait for the holder of a lease.
func (s *State) waiting(l *lease) uint32 {
	if l.box == 0 {
		return 0
	}
	return uint32(len(s.mail.boxes[l.box-1].pending))
}

// hash returns what stands for an identity in the digest.
func (i Identity) hash() uint64 { return mixString(mixString(0, i.NS), i.ID) }

// empty tells whether nothing is in the mailbox, not even a tombstone.
func (b *mailbox) empty() bool {
	return len(b.pending) == 0 && len(b.dead) == 0 && b.tombstones == 0
}

// rework changes what is kept of a mailbox itself.
func (s *State) rework(b *mailbox, f func(*mailbox)) {
	s.sum -= b.digest()
	f(b)
	s.sum += b.digest()
	s.image.mail.touched(b)
}

// altered notes that the present revision is that of a change of a mailbox.
func (s *State) altered(b *mailbox) {
	s.rework(b, func(b *mailbox) { b.revision = s.revision })
}

// closeMailbox forgets a mailbox that is idle. One made anew for the id begins above
// every offset of it.
func (s *State) closeMailbox(b *mailbox) {
	s.mail.idle.remove(b.local)
	if slot, alive := s.find(b.NS, b.ID); alive {
		s.leases.at(slot).box = 0
	}
	s.raise(b.last)
	s.sum -= b.digest()
	s.image.mail.touched(b)
	delete(s.mail.names, b.Identity)
	s.mail.boxes[b.local] = nil
	s.mail.unused = append(s.mail.unused, b.local)
}

// raise sees to it that no mailbox made from now on gives an offset up to last.
func (s *State) raise(last uint64) {
	if last <= s.mail.floor || s.faults.FloorForgotten {
		return
	}
	s.sum -= digestFloor(s.mail.floor)
	s.mail.floor = last
	s.sum += digestFloor(last)
	s.image.mail.floor = true
}
