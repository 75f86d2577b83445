package registry

// mailImage is what the durable image lacks of mail.
type mailImage struct {
	mailboxes map[Identity]bool // that changed; true: the image holds a record
	messages  []uint32          // dirty ones; a slot may be free, or another's, by now
	bodies    map[BodyKey][]byte
	reasons   map[BodyKey][]byte // nil: gone
	gone      []mailRecord
	floor     bool // it changed
	bytes     int
}

// mailRecord names one record of a message that the image holds and must lose.
type mailRecord struct {
	kind Kind
	key  BodyKey
}

func (i *mailImage) init() {
	i.mailboxes = make(map[Identity]bool)
	i.bodies, i.reasons = make(map[BodyKey][]byte), make(map[BodyKey][]byte)
}

func (i *mailImage) touched(b *mailbox) {
	if b.marks&dirty != 0 {
		return
	}
	b.marks |= dirty
	if _, known := i.mailboxes[b.Identity]; !known {
		i.mailboxes[b.Identity] = b.marks&stored != 0
		i.bytes += len(b.NS) + len(b.ID) + recordOverhead
	}
}

func (i *mailImage) changed(slot uint32, m *message) {
	if m.marks&dirty == 0 {
		m.marks |= dirty
		i.messages = append(i.messages, slot)
		i.bytes += recordOverhead
	}
}

// keep holds a new body until the next Flush.
func (i *mailImage) keep(key BodyKey, record []byte) {
	i.bodies[key] = record
	i.bytes += len(record) + recordOverhead
}

// drop forgets the body of a message that ended. One that no Flush handed out
// never gets to the disk.
func (i *mailImage) drop(key BodyKey, m *message) {
	if record, ok := i.bodies[key]; ok {
		delete(i.bodies, key)
		i.bytes -= len(record) + recordOverhead
	} else if m.marks&stored != 0 {
		i.lose(KindBody, key)
	}
}

// lost notes that nothing is known of a message any more.
func (i *mailImage) lost(key BodyKey, m *message) {
	if m.marks&stored != 0 {
		i.lose(KindMessage, key)
	}
}

func (i *mailImage) lose(kind Kind, key BodyKey) {
	i.gone = append(i.gone, mailRecord{kind, key})
	i.bytes += recordOverhead
}

// reason replaces the reason of the last nack; nil: there is none any more.
func (i *mailImage) reason(key BodyKey, record []byte, m *message) {
	if old, ok := i.reasons[key]; ok {
		i.bytes -= len(old) + recordOverhead
		delete(i.reasons, key)
	}
	if record != nil || m.marks&stored != 0 {
		i.reasons[key] = record
		i.bytes += len(record) + recordOverhead
	}
}

// keepReason keeps what a nack said; nothing takes the place of something.
func (s *State) keepReason(slot uint32, reason string) {
	if reason == "" {
		s.forgetReason(slot)
		return
	}
	m := s.mail.at(slot)
	s.image.mail.reason(s.mail.key(slot), append([]byte{imageVersion}, reason...), m)
	m.marks |= reasoned
}

func (s *State) forgetReason(slot uint32) {
	if m := s.mail.at(slot); m.marks&reasoned != 0 {
		s.image.mail.reason(s.mail.key(slot), nil, m)
		m.marks &^= reasoned
	}
}

// mail hands out what changed of mail.
func (f *flushing) mail() {
	m := &f.state.image.mail
	for name, kept := range m.mailboxes {
		f.mailbox(name, kept)
	}
	for _, slot := range m.messages {
		f.message(slot)
	}
	for key, record := range m.reasons {
		f.put(KindReason, key[:], record)
	}
	for _, r := range m.gone {
		f.put(r.kind, r.key[:], nil)
	}
	if m.floor {
		f.put(KindMeta, []byte(floorKey), f.state.appendFloor(nil))
	}
}

func (f *flushing) mailbox(name Identity, kept bool) {
	b := f.state.mail.mailbox(name.NS, name.ID)
	if b == nil {
		if kept {
			f.put(KindMailbox, appendMailboxKey(nil, name), nil)
		}
		return
	}
	b.marks = stored
	f.put(KindMailbox, appendMailboxKey(nil, name), b.appendRecord(nil))
}

// message hands out a dirty message, and its body if it is new.
func (f *flushing) message(slot uint32) {
	m := f.state.mail.at(slot)
	if m.offset == 0 || m.marks&dirty == 0 || f.state.faults.AckUnsaved && m.state == MessageAcked {
		return
	}
	m.marks = m.marks&^dirty | stored
	key := f.state.mail.key(slot)
	start := f.room()
	f.block = f.state.mail.appendRecord(f.block, slot)
	f.put(KindMessage, key[:], f.cut(start))
	if body, ok := f.state.image.mail.bodies[key]; ok && !f.state.faults.BodyUnsaved {
		f.put(KindBody, key[:], body)
	}
}
