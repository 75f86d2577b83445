package registry

// Mailbox counts what is in the mailbox of an id; all zero for one never used.
// now is the cluster time, see Replica.ClusterNow.
func (s *State) Mailbox(ns, id string, now uint64) Mailbox {
	b := s.mail.mailbox(ns, id)
	if b == nil {
		return Mailbox{}
	}
	v := Mailbox{
		Pending: len(b.pending), Dead: len(b.dead), Tombstones: b.tombstones,
		Bytes: b.bytes, DeadBytes: b.deadBytes, Last: b.last, Revision: b.revision,
	}
	if len(b.pending) > 0 {
		m := s.mail.at(b.pending[0])
		v.Oldest = new(s.mail.view(b.pending[0]))
		v.OldestAgeMS = now - min(now, m.until-min(m.until, uint64(m.ttl)))
	}
	return v
}

// Messages returns pending messages of a mailbox in offset order: those after
// an offset, and before them those at or before it that were nacked and are
// due again at now (cluster time). A nacked message that is not due is left out.
func (s *State) Messages(ns, id string, after uint64, limit int, now uint64) MessagePage {
	b := s.mail.mailbox(ns, id)
	if b == nil {
		return MessagePage{Next: after}
	}
	p := mailPage{mail: &s.mail, limit: limit, now: now, MessagePage: MessagePage{Next: after}}
	again := b.nacked[:s.mail.beyond(b.nacked, after)]
	fresh := b.pending[s.mail.beyond(b.pending, after):]
	last := b.last
	if !p.take(again) || !p.take(fresh) {
		last = p.Next
	}
	p.Gap = s.mail.gap(b, after, last)
	return p.MessagePage
}

// mailPage is a MessagePage in the making.
type mailPage struct {
	MessagePage
	mail  *mailroom
	limit int
	now   uint64
}

// take adds the messages that are due, and tells whether there was room for all.
func (p *mailPage) take(q sequence) bool {
	for _, slot := range q {
		m := p.mail.at(slot)
		if m.due > p.now {
			p.wait(m.due - p.now)
			continue
		}
		if len(p.Messages) >= p.limit {
			return false
		}
		p.Messages = append(p.Messages, p.mail.view(slot))
		p.Next = max(p.Next, m.offset)
	}
	return true
}

func (p *mailPage) wait(ms uint64) {
	if p.DueMS == 0 || ms < p.DueMS {
		p.DueMS = ms
	}
}

// gap returns the range from the first to the last expired message beyond one
// offset and up to another, or nil.
func (r *mailroom) gap(b *mailbox, after, last uint64) *Gap {
	g := Gap{max(b.forgotten.From, after+1), min(b.forgotten.To, last)}
	if g.From > g.To {
		g = Gap{}
	}
	lost := b.lost[r.beyond(b.lost, after):]
	if n := r.beyond(lost, last); n > 0 {
		g = g.around(r.at(lost[0]).offset).around(r.at(lost[n-1]).offset)
	}
	if g.To == 0 {
		return nil
	}
	return &g
}

// Message returns what is known of a message, ended ones too while their
// tombstone is kept.
func (s *State) Message(ns, id string, message MessageID) (Message, bool) {
	b := s.mail.mailbox(ns, id)
	if b == nil {
		return Message{}, false
	}
	slot, ok := s.mail.find(b, message)
	if !ok {
		return Message{}, false
	}
	return s.mail.view(slot), true
}

// DeadLetters returns dead letters in offset order, those after an offset.
func (s *State) DeadLetters(ns, id string, after uint64, limit int) []Message {
	b := s.mail.mailbox(ns, id)
	if b == nil {
		return nil
	}
	slots := b.dead[s.mail.beyond(b.dead, after):]
	slots = slots[:min(len(slots), max(0, limit))]
	list := make([]Message, len(slots))
	for i, slot := range slots {
		list[i] = s.mail.view(slot)
	}
	return list
}

// Record returns a body or a reason that no Flush has handed out yet; nil and
// true for a reason that is gone, whatever the image holds. It is never changed
// and stays valid.
func (s *State) Record(kind Kind, key []byte) (record []byte, known bool) {
	if len(key) != len(BodyKey{}) {
		return nil, false
	}
	switch kind {
	case KindBody:
		record, known = s.image.mail.bodies[BodyKey(key)]
	case KindReason:
		record, known = s.image.mail.reasons[BodyKey(key)]
	}
	return record, known
}

// Undelivered counts the messages of all mailboxes that wait or are dead letters.
func (s *State) Undelivered() (n int) {
	for _, b := range s.mail.boxes {
		if b != nil {
			n += len(b.pending) + len(b.dead)
		}
	}
	return n
}
