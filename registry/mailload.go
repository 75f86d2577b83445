package registry

import (
	"encoding/binary"
	"fmt"
)

// mailReplay is what a load of mail needs until all records are there.
type mailReplay struct {
	numbers map[uint64]*loadedMailbox
	bodies  tally // of the records that are there
	reasons tally
}

// loadedMailbox is a mailbox whose record came, or will come.
type loadedMailbox struct {
	box   *mailbox
	named bool
	slots []uint32 // its messages
}

// tally counts keys, so that two sets of them can be compared.
type tally struct {
	count int
	sum   uint64
}

func (t *tally) add(key BodyKey) {
	t.count++
	t.sum += mix(binary.BigEndian.Uint64(key[:8]), binary.BigEndian.Uint64(key[8:]))
}

// loadMail takes one record of mail. Those of bodies and reasons are not read,
// only counted: they stay in the image.
func (s *State) loadMail(kind Kind, key []byte, r *reader) error {
	if kind == KindMailbox {
		return s.loadMailbox(key, r)
	}
	if len(key) != len(BodyKey{}) {
		return ErrMalformed
	}
	switch kind {
	case KindMessage:
		return s.loadMessage(BodyKey(key), r)
	case KindBody:
		s.replay.mail.bodies.add(BodyKey(key))
	case KindReason:
		s.replay.mail.reasons.add(BodyKey(key))
	}
	return nil
}

func (s *State) loadFloor(r *reader) error {
	s.mail.floor = r.uvarint()
	return r.err()
}

// numbered returns the mailbox of that number.
func (s *State) numbered(number uint64) *loadedMailbox {
	m := &s.replay.mail
	if m.numbers == nil {
		m.numbers = make(map[uint64]*loadedMailbox)
	}
	l := m.numbers[number]
	if l == nil {
		l = &loadedMailbox{box: new(mailbox)}
		s.mail.place(l.box)
		m.numbers[number] = l
	}
	return l
}

func (s *State) loadMailbox(key []byte, r *reader) error {
	name := reader{data: key}
	who := Identity{NS: name.string()}
	who.ID = string(name.rest())
	v := r.mailboxRecord()
	if err := r.err(); err != nil || name.bad {
		return ErrMalformed
	}
	l := s.numbered(v.number)
	if l.named {
		return fmt.Errorf("two mailboxes of number %d: %w", v.number, ErrInconsistent)
	}
	l.named = true
	v.Identity, v.name, v.local = who, who.hash(), l.box.local
	*l.box = v
	s.mail.names[who] = v.local
	return nil
}

func (s *State) loadMessage(key BodyKey, r *reader) error {
	m := r.messageRecord()
	number, first := binary.BigEndian.Uint64(key[:8]), binary.BigEndian.Uint64(key[8:])
	if err := r.err(); err != nil || m.offset == 0 || first == 0 {
		return ErrMalformed
	}
	l := s.numbered(number)
	slot := s.mail.take()
	m.box = l.box.local
	if m.offset != first {
		m.marks |= moved
		s.mail.first[slot] = first
	}
	*s.mail.at(slot) = m
	l.slots = append(l.slots, slot)
	return nil
}
