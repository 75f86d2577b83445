package history

// The steps of a mailbox.

func (m mailbox) fate(slot int) fate {
	if slot < 0 {
		return absent
	}
	return fate(m.fates[slot])
}

// none says that not one of these messages is known.
func (m mailbox) none(slots []int) bool {
	for _, i := range slots {
		if m.fate(i) != absent {
			return false
		}
	}
	return true
}

// draft is a mailbox that is being changed.
type draft struct {
	last  uint64
	fates []byte // nil until something changes
	from  mailbox
}

func (m mailbox) edit() *draft { return &draft{last: m.last, from: m} }

func (d *draft) set(slot int, f fate) {
	if d.fates == nil {
		d.fates = []byte(d.from.fates)
	}
	d.fates[slot] = byte(f)
}

func (d *draft) done() mailbox {
	if d.fates == nil {
		return mailbox{d.last, d.from.fates}
	}
	return mailbox{d.last, string(d.fates)}
}

func (b *box) send(m mailbox, o *Op) (mailbox, bool) {
	i := o.mail.slots[0]
	if o.answer.duplicate {
		return b.status(m, o)
	}
	fits := m.fate(i) == absent && (b.offsets[i] == 0 || b.offsets[i] > m.last)
	if !fits {
		return m, o.verdict == open
	}
	d := m.edit()
	d.set(i, pending)
	d.last = max(m.last, b.offsets[i])
	return d.done(), true
}

// mayDrop says whether a message can have expired when an operation ended.
func (b *box) mayDrop(slot int, o *Op) bool { return b.expires[slot] <= o.until }

// status takes what is said of one message.
func (b *box) status(m mailbox, o *Op) (mailbox, bool) {
	i := o.mail.slots[0]
	f := m.fate(i)
	if f.waits() && o.answer.mail.state == dropped.String() && b.mayDrop(i, o) {
		d := m.edit()
		d.set(i, dropped)
		return d.done(), true
	}
	return m, f != absent && f.String() == o.answer.mail.state && (!f.waits() || o.kind == send || f.attempts() == o.answer.mail.attempts)
}

// read takes a page: what it shows waits, and what it does not show does not,
// unless it was nacked or expired.
func (b *box) read(m mailbox, o *Op) (mailbox, bool) {
	page := &o.answer.mail
	shown, last := make([]bool, len(b.offsets)), uint64(0)
	for _, s := range page.messages {
		f := m.fate(s.slot)
		if !f.waits() || f.attempts() != s.attempts || s.offset <= last || s.offset <= o.mail.after && s.attempts == 0 {
			return m, false
		}
		shown[s.slot], last = true, s.offset
	}
	d := m.edit()
	for i, offset := range b.offsets {
		if shown[i] || !m.fate(i).waits() || offset <= o.mail.after || offset > page.until || m.fate(i).attempts() > 0 {
			continue
		}
		if !b.mayDrop(i, o) || offset < page.gapFrom || offset > page.gapTo {
			return m, false
		}
		d.set(i, dropped)
	}
	return d.done(), true
}

// ack ends what it names and what has an offset up to its own.
func (b *box) ack(m mailbox, o *Op) (mailbox, bool) {
	d, count := m.edit(), tally{}
	for _, i := range o.mail.slots {
		count.end(b, d, i, o)
	}
	for i, offset := range b.offsets {
		if offset > 0 && offset <= o.mail.upTo {
			count.end(b, d, i, o)
		}
	}
	return b.counted(d.done(), o, count)
}

// nack counts one more attempt of what it names, or ends it.
func (b *box) nack(m mailbox, o *Op) (mailbox, bool) {
	d, count := m.edit(), tally{}
	for _, i := range o.mail.slots {
		f := d.fate(i)
		if !f.waits() || o.mail.attempt > 0 && f.attempts()+1 != o.mail.attempt {
			continue
		}
		count.add(b.mayDrop(i, o))
		if f++; !f.waits() {
			f = dead
			count.dead++
		}
		d.set(i, f)
	}
	m, ok := b.counted(d.done(), o, count)
	return m, ok && (o.verdict == open || count.doubt > 0 || o.answer.mail.dead == count.dead)
}

func (d *draft) fate(slot int) fate {
	if slot >= 0 && d.fates != nil {
		return fate(d.fates[slot])
	}
	return d.from.fate(slot)
}

// tally counts what an operation did.
type tally struct{ done, doubt, dead int }

func (t *tally) add(doubt bool) {
	t.done++
	if doubt {
		t.doubt++
	}
}

func (t *tally) end(b *box, d *draft, slot int, o *Op) {
	if d.fate(slot).waits() {
		t.add(b.mayDrop(slot, o))
		d.set(slot, acked)
	}
}

// counted holds the counts of an answer against the model's: exactly, but for
// what can have expired and for messages that nobody was shown.
func (b *box) counted(m mailbox, o *Op, t tally) (mailbox, bool) {
	if o.verdict == open {
		return m, true
	}
	said := &o.answer.mail
	var waits, doubt int
	for i := range m.fates {
		if fate(m.fates[i]).waits() && b.offsets[i] > 0 {
			waits++
			if b.mayDrop(i, o) {
				doubt++
			}
		}
	}
	unseen := b.unseenBy(o)
	hidden := unseen
	if o.mail.upTo == 0 {
		hidden = 0
	}
	return m, between(said.done, t.done-t.doubt, t.done+hidden) && between(said.pending, waits-doubt, waits+unseen)
}

// unseenBy counts the messages that nobody was shown and that may be there.
func (b *box) unseenBy(o *Op) (n int) {
	for _, sent := range b.unseen {
		if sent <= o.until {
			n++
		}
	}
	return n
}

func between(n, low, high int) bool { return n >= low && n <= high }
