package registry

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// mailModel is mail as one would write it without a thought for memory or
// speed: a list of messages in each mailbox, searched from end to end.
type mailModel struct {
	now, revision, floor uint64
	limits               MailLimits
	boxes                map[Identity]*modelBox
	rung                 []Identity // by the entry being applied
}

type modelBox struct {
	Identity
	made, last, revision uint64
	messages             []*modelMessage // of which something is known
	dropped              []uint64        // offsets that expired and are forgotten
}

type modelMessage struct {
	Message
	ttl, until, due, ended uint64
}

// mailAnswer is what the model says of one command.
type mailAnswer struct {
	code     Code
	revision uint64
	mail     MailResult
}

func (m *mailModel) apply(c Command) mailAnswer {
	switch c := c.(type) {
	case *Send:
		return m.send(c)
	case *Ack:
		return m.ack(c)
	case *Nack:
		return m.nack(c)
	case *Requeue:
		return m.requeue(c)
	}
	panic("not of mail")
}

func (m *mailModel) say(code Code, b *modelBox, did MailResult) mailAnswer {
	if b != nil {
		did.Pending = len(b.in(MessagePending))
	}
	return mailAnswer{code, m.revision, did}
}

func (b *modelBox) in(states ...MessageState) []*modelMessage {
	if b == nil {
		return nil
	}
	var list []*modelMessage
	for _, v := range b.messages {
		if slices.Contains(states, v.State) {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(x, y *modelMessage) int { return cmp.Compare(x.Offset, y.Offset) })
	return list
}

func (b *modelBox) find(id MessageID) *modelMessage {
	if b == nil {
		return nil
	}
	for _, v := range b.messages {
		if v.ID == id {
			return v
		}
	}
	return nil
}

func bodies(list []*modelMessage) (n uint64) {
	for _, v := range list {
		n += uint64(v.Size)
	}
	return n
}

func (m *mailModel) total() (n uint64) {
	for _, b := range m.boxes {
		n += bodies(b.in(MessagePending, MessageDead)) + messageOverhead*uint64(len(b.messages))
	}
	return n
}

func (m *mailModel) full(b *modelBox, size uint64) bool {
	waiting := b.in(MessagePending)
	return len(waiting) >= int(m.limits.Messages) || bodies(waiting)+size > m.limits.Bytes
}

func (m *mailModel) change(b *modelBox) {
	m.revision++
	b.revision = m.revision
}

func (m *mailModel) ring(b *modelBox) {
	if !slices.Contains(m.rung, b.Identity) {
		m.rung = append(m.rung, b.Identity)
	}
}

func (m *mailModel) enqueue(b *modelBox, v *modelMessage) {
	b.last++
	v.Offset, v.State, v.Attempts, v.until, v.due = b.last, MessagePending, 0, m.now+v.ttl, 0
	m.ring(b)
}

func (m *mailModel) send(c *Send) mailAnswer {
	who, size := Identity{c.NS, c.ID}, uint64(len(c.Body.Data))
	b := m.boxes[who]
	if v := b.find(c.Message); v != nil {
		return m.say(Duplicate, b, MailResult{Message: v.Message})
	}
	if m.full(b, size) || m.total()+size+messageOverhead > m.limits.TotalBytes {
		return m.say(MailboxFull, nil, MailResult{})
	}
	if b == nil {
		b = &modelBox{Identity: who, made: m.revision + 1, last: m.floor}
		m.boxes[who] = b
	}
	m.change(b)
	v := &modelMessage{Message: Message{ID: c.Message, Size: uint32(size)}, ttl: c.TTL}
	m.enqueue(b, v)
	v.Key = newBodyKey(b.made, v.Offset)
	b.messages = append(b.messages, v)
	return m.say(OK, b, MailResult{Message: v.Message})
}

func (m *mailModel) known(b *modelBox, ids []MessageID) bool {
	return len(ids) == 0 || slices.ContainsFunc(ids, func(id MessageID) bool { return b.find(id) != nil })
}

func (m *mailModel) ack(c *Ack) mailAnswer {
	b := m.boxes[Identity{c.NS, c.ID}]
	last := m.floor
	if b != nil {
		last = b.last
	}
	if c.UpTo > last {
		return m.say(BeyondEnd, nil, MailResult{})
	}
	if !m.known(b, c.Messages) {
		return m.say(NoMessage, nil, MailResult{})
	}
	acked := 0
	for _, v := range b.in(MessagePending) {
		if v.Offset <= c.UpTo || slices.Contains(c.Messages, v.ID) {
			if acked++; acked == 1 {
				m.change(b)
			}
			m.end(b, v, MessageAcked)
		}
	}
	return m.say(OK, b, MailResult{Acked: acked})
}

func (m *mailModel) end(b *modelBox, v *modelMessage, state MessageState) {
	v.State, v.ended, v.until = state, m.revision, m.now
	if old := b.tombstones(); len(old) > int(m.limits.Tombstones) {
		m.forget(b, old[0])
	}
}

// tombstones lists them from the oldest on.
func (b *modelBox) tombstones() []*modelMessage {
	list := b.in(MessageAcked, MessageExpired)
	slices.SortStableFunc(list, func(x, y *modelMessage) int { return cmp.Compare(x.ended, y.ended) })
	return list
}

func (m *mailModel) forget(b *modelBox, v *modelMessage) {
	if v.State == MessageExpired {
		b.dropped = append(b.dropped, v.Offset)
	}
	b.messages = slices.DeleteFunc(b.messages, func(x *modelMessage) bool { return x == v })
}

func (m *mailModel) nack(c *Nack) mailAnswer {
	b := m.boxes[Identity{c.NS, c.ID}]
	if !m.known(b, c.Messages) {
		return m.say(NoMessage, nil, MailResult{})
	}
	var did MailResult
	revision := m.revision
	for _, v := range b.in(MessagePending) {
		if !slices.Contains(c.Messages, v.ID) || c.Attempt != 0 && c.Attempt != v.Attempts+1 {
			continue
		}
		if did.Nacked++; did.Nacked == 1 {
			m.change(b)
			revision = m.revision
		}
		v.Attempts++
		if v.Attempts >= m.limits.MaxAttempts {
			did.Dead++
			v.State, v.until, v.due = MessageDead, m.now+m.limits.DeadMS, 0
			continue
		}
		v.due = m.now + []uint64{0, 200, 400, 800}[v.Attempts]
		m.ring(b)
	}
	for dead := b.in(MessageDead); len(dead) > int(m.limits.Dead); dead = b.in(MessageDead) {
		m.expire(b, slices.MinFunc(dead, func(x, y *modelMessage) int { return cmp.Compare(x.until, y.until) }))
	}
	a := m.say(OK, b, did)
	a.revision = revision
	return a
}

func (m *mailModel) requeue(c *Requeue) mailAnswer {
	b := m.boxes[Identity{c.NS, c.ID}]
	v := b.find(c.Message)
	if v == nil || v.State != MessageDead {
		return m.say(NoMessage, nil, MailResult{})
	}
	if m.full(b, uint64(v.Size)) {
		return m.say(MailboxFull, nil, MailResult{})
	}
	m.change(b)
	m.enqueue(b, v)
	return m.say(OK, b, MailResult{Message: v.Message})
}

func (m *mailModel) expire(b *modelBox, v *modelMessage) {
	m.change(b)
	m.end(b, v, MessageExpired)
}

// age does what time does, after the commands of an entry.
func (m *mailModel) age() {
	for {
		b, v := m.overdue()
		if v == nil {
			break
		}
		m.expire(b, v)
	}
	for who, b := range m.boxes {
		for _, v := range b.tombstones() {
			if m.now-v.until > m.limits.TombstoneMS {
				m.forget(b, v)
			}
		}
		m.boxes[who] = b
	}
	idle := slices.DeleteFunc(slices.Collect(maps.Values(m.boxes)), func(b *modelBox) bool { return len(b.messages) > 0 })
	slices.SortFunc(idle, func(x, y *modelBox) int { return cmp.Compare(x.revision, y.revision) })
	for len(idle) > int(m.limits.Idle) {
		m.floor = max(m.floor, idle[0].last)
		delete(m.boxes, idle[0].Identity)
		idle = idle[1:]
	}
}

// overdue returns what expires next, if its time has come.
func (m *mailModel) overdue() (of *modelBox, first *modelMessage) {
	for _, b := range m.boxes {
		for _, v := range b.in(MessagePending, MessageDead) {
			if v.until <= m.now && (first == nil || sooner(b, v, of, first)) {
				of, first = b, v
			}
		}
	}
	return of, first
}

func sooner(b *modelBox, v *modelMessage, c *modelBox, w *modelMessage) bool {
	return cmp.Or(cmp.Compare(v.until, w.until), cmp.Compare(b.made, c.made), cmp.Compare(v.Offset, w.Offset)) < 0
}

// read answers as State.Messages does.
func (m *mailModel) read(who Identity, after uint64, limit int, now uint64) MessagePage {
	b := m.boxes[who]
	p := MessagePage{Next: after}
	cut := false
	for _, v := range b.in(MessagePending) {
		switch {
		case v.Offset <= after && v.Attempts == 0 || cut:
		case v.due > now:
			p.DueMS = min(v.due-now, cmp.Or(p.DueMS, v.due-now))
		case len(p.Messages) >= limit:
			cut = true
		default:
			p.Messages = append(p.Messages, v.Message)
			p.Next = max(p.Next, v.Offset)
		}
	}
	if b != nil {
		p.Gap = b.gap(after, p.Next, cut)
	}
	return p
}

func (b *modelBox) gap(after, next uint64, cut bool) *Gap {
	var lost []uint64
	for _, v := range b.in(MessageExpired) {
		lost = append(lost, v.Offset)
	}
	if len(b.dropped) > 0 { // of what is forgotten only the bounds are kept
		for at := slices.Min(b.dropped); at <= slices.Max(b.dropped); at++ {
			lost = append(lost, at)
		}
	}
	lost = slices.DeleteFunc(lost, func(at uint64) bool { return at <= after || cut && at > next })
	if len(lost) == 0 {
		return nil
	}
	return &Gap{slices.Min(lost), slices.Max(lost)}
}

// The state machine treats mail as the model does, command by command.
func TestMailIsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newState()
		limits := drawMailLimits(t)
		s.apply(Position{1, 1}, &Entry{Commands: []Command{&Serve{Term: 1, Retention: Retention{Mail: limits}}}})
		m := &mailModel{limits: limits.normal(), boxes: make(map[Identity]*modelBox)}
		for i := range rapid.IntRange(1, 40).Draw(t, "entries") {
			e := Entry{Advance: rapid.Uint32Range(0, 1500).Draw(t, "advance")}
			for range rapid.IntRange(0, 4).Draw(t, "commands") {
				e.Commands = append(e.Commands, drawMailCommand(t, 0))
			}
			compareMail(t, s.apply(Position{Index: uint64(i) + 2, Term: 1}, &e), m, &e)
			compareBoxes(t, s, m)
			comparePage(t, s, m)
			if err := audit(s); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func compareMail(t *rapid.T, out Outcome, m *mailModel, e *Entry) {
	m.now += uint64(e.Advance)
	m.rung = nil
	for i, c := range e.Commands {
		r, want := out.Results[i], m.apply(c)
		got := mailAnswer{code: r.Code, revision: r.Revision}
		if r.Mail != nil {
			got.mail = *r.Mail
		}
		if got != want {
			t.Fatalf("%+v:\ngot  %+v\nwant %+v", c, got, want)
		}
	}
	m.age()
	if out.Revision != m.revision || !slices.Equal(out.Mail, m.rung) {
		t.Fatalf("revision %d, mail in %v, want %d, %v", out.Revision, out.Mail, m.revision, m.rung)
	}
}

func compareBoxes(t *rapid.T, s *State, m *mailModel) {
	if len(s.mail.names) != len(m.boxes) || s.mail.floor != m.floor || s.mail.bytes != m.total() {
		t.Fatalf("%d mailboxes, floor %d, %d bytes, want %d, %d, %d", len(s.mail.names), s.mail.floor, s.mail.bytes, len(m.boxes), m.floor, m.total())
	}
	for who, b := range m.boxes {
		pending, dead := b.in(MessagePending), b.in(MessageDead)
		want := Mailbox{
			Pending: len(pending), Dead: len(dead), Tombstones: len(b.tombstones()), Bytes: bodies(pending), DeadBytes: bodies(dead),
			Last: b.last, Revision: b.revision,
		}
		if len(pending) > 0 {
			want.Oldest, want.OldestAgeMS = &pending[0].Message, m.now+pending[0].ttl-pending[0].until
		}
		if got := s.Mailbox(who.NS, who.ID, m.now); !reflect.DeepEqual(got, want) {
			t.Fatalf("mailbox %v is %+v, want %+v", who, got, want)
		}
		for n := range 10 {
			got, ok := s.Message(who.NS, who.ID, messageID(n))
			if v := b.find(messageID(n)); ok != (v != nil) || ok && got != v.Message {
				t.Fatalf("message %d of %v is %+v, want %+v", n, who, got, v)
			}
		}
	}
}

func comparePage(t *rapid.T, s *State, m *mailModel) {
	who := Identity{someNS.Draw(t, "read ns"), rapid.SampledFrom([]string{"x", "x", "y"}).Draw(t, "read id")}
	after, limit := rapid.Uint64Range(0, 9).Draw(t, "after"), rapid.IntRange(1, 4).Draw(t, "limit")
	now := m.now + rapid.Uint64Range(0, 500).Draw(t, "later")
	if got, want := s.Messages(who.NS, who.ID, after, limit, now), m.read(who, after, limit, now); !reflect.DeepEqual(got, want) {
		t.Fatalf("%d of %v after %d:\n%+v, gap %v, want\n%+v, gap %v", limit, who, after, got, got.Gap, want, want.Gap)
	}
	var want []Message
	for _, v := range m.boxes[who].in(MessageDead) {
		if v.Offset > after && len(want) < limit {
			want = append(want, v.Message)
		}
	}
	if got := s.DeadLetters(who.NS, who.ID, after, limit); !slices.Equal(got, want) {
		t.Fatalf("dead letters of %v: %+v, want %+v", who, got, want)
	}
}
