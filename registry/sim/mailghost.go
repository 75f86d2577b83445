package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// mailGhost is what the ghost knows of mail: every letter that ever was, in
// committed order, and what has to become of it. It follows the log by the
// words of the contract, with lists that it searches from end to end.
type mailGhost struct {
	w       *World
	term    uint64 // of the last entry
	cluster uint64 // cluster time, milliseconds
	floor   uint64
	boxes   [mailboxes]letterbox
	texts   map[string]registry.MessageID
	touched bool // by the entry being followed
}

// letterbox is a mailbox with all that was ever in it.
type letterbox struct {
	open                bool // the registry remembers it
	made, last, changed uint64
	all                 []*letter // by offset
	tombs               []*letter // kept, oldest first
}

// letter is a message at one offset.
type letter struct {
	id              registry.MessageID
	offset          uint64
	state           registry.MessageState // 0: queued again at another offset
	kept            bool                  // something is known of it
	attempts        uint32
	ttl, until, due uint64        // cluster time
	sent, over      uint64        // indexes of entries; over 0: it waits
	stamped         time.Duration // when the entry that sent it was
	text            string
}

func (g *mailGhost) reset(w *World) {
	texts := g.texts
	clear(texts)
	if texts == nil {
		texts = make(map[string]registry.MessageID)
	}
	*g = mailGhost{w: w, texts: texts}
}

// box returns the mailbox of an id; every one here is of an early client.
func (g *mailGhost) box(id string) *letterbox { return &g.boxes[g.w.byID(id)] }

func (b *letterbox) in(state registry.MessageState) []*letter {
	var list []*letter
	for _, l := range b.all {
		if l.kept && l.state == state {
			list = append(list, l)
		}
	}
	return list
}

// waits counts what is pending.
func (b *letterbox) waits() (n int) {
	for _, l := range b.all {
		if l.kept && l.state == registry.MessagePending {
			n++
		}
	}
	return n
}

func (b *letterbox) find(id registry.MessageID) *letter {
	for _, l := range slices.Backward(b.all) {
		if l.kept && l.id == id {
			return l
		}
	}
	return nil
}

// mailAnswer is what a command must say.
type mailAnswer struct {
	code     registry.Code
	revision uint64
	did      registry.MailResult
}

func (g *mailGhost) change(b *letterbox) uint64 {
	g.w.ghost.revision++
	b.changed, g.touched = g.w.ghost.revision, true
	return b.changed
}

func (g *mailGhost) say(code registry.Code, revision uint64, b *letterbox, did registry.MailResult) mailAnswer {
	did.Pending = b.waits()
	return mailAnswer{code, revision, did}
}

func (g *mailGhost) refuse(code registry.Code) mailAnswer {
	return mailAnswer{code: code, revision: g.w.ghost.revision}
}

// append puts a letter at the end.
func (g *mailGhost) append(e *entry, b *letterbox, l *letter) {
	b.last++
	l.offset, l.state, l.kept, l.sent, l.stamped = b.last, registry.MessagePending, true, e.index, e.proposed
	l.until = g.cluster + l.ttl
	b.all = append(b.all, l)
}

func (l *letter) message() registry.Message {
	return registry.Message{ID: l.id, Offset: l.offset, State: l.state, Attempts: l.attempts}
}

func (g *mailGhost) send(e *entry, c *registry.Send) mailAnswer {
	b := g.box(c.ID)
	if l := b.find(c.Message); l != nil {
		return g.say(registry.Duplicate, g.w.ghost.revision, b, registry.MailResult{Message: l.message()})
	}
	if b.waits() >= int(mailLimits.Messages) {
		return g.refuse(registry.MailboxFull)
	}
	revision := g.change(b)
	if !b.open {
		b.open, b.made, b.last = true, revision, g.floor
	}
	l := &letter{id: c.Message, ttl: c.TTL, text: string(c.Body.Data)}
	g.append(e, b, l)
	g.w.report.Letters++
	if id, known := g.texts[l.text]; known && id != l.id {
		g.w.fail("promise 2: %q was sent once and is there twice", l.text)
	}
	g.texts[l.text] = l.id
	return g.say(registry.OK, revision, b, registry.MailResult{Message: l.message()})
}

// known tells whether something is known of any of those messages, or none was
// named.
func (b *letterbox) known(ids []registry.MessageID) bool {
	return len(ids) == 0 || slices.ContainsFunc(ids, func(id registry.MessageID) bool { return b.find(id) != nil })
}

func (g *mailGhost) ack(e *entry, c *registry.Ack) mailAnswer {
	b, last := g.box(c.ID), g.floor
	if b.open {
		last = b.last
	}
	if c.UpTo > last {
		return g.refuse(registry.BeyondEnd)
	}
	if !b.known(c.Messages) {
		return g.refuse(registry.NoMessage)
	}
	revision, did := g.w.ghost.revision, registry.MailResult{}
	for _, l := range b.in(registry.MessagePending) {
		if l.offset > c.UpTo && !slices.Contains(c.Messages, l.id) {
			continue
		}
		if did.Acked++; did.Acked == 1 {
			revision = g.change(b)
		}
		g.end(e, b, l, registry.MessageAcked)
	}
	return g.say(registry.OK, revision, b, did)
}

func (g *mailGhost) nack(e *entry, c *registry.Nack) mailAnswer {
	b := g.box(c.ID)
	if !b.known(c.Messages) {
		return g.refuse(registry.NoMessage)
	}
	revision, did := g.w.ghost.revision, registry.MailResult{}
	for _, l := range b.in(registry.MessagePending) {
		if !slices.Contains(c.Messages, l.id) || c.Attempt != l.attempts+1 {
			continue
		}
		if did.Nacked++; did.Nacked == 1 {
			revision = g.change(b)
		}
		if l.attempts++; l.attempts >= mailLimits.MaxAttempts {
			did.Dead++
			l.state, l.until, l.over = registry.MessageDead, g.cluster+mailLimits.DeadMS, e.index
			continue
		}
		l.due = g.cluster + 200<<(l.attempts-1)
	}
	for dead := b.in(registry.MessageDead); len(dead) > int(mailLimits.Dead); dead = b.in(registry.MessageDead) {
		g.expire(e, b, slices.MinFunc(dead, func(x, y *letter) int { return cmp.Compare(x.until, y.until) }))
	}
	return g.say(registry.OK, revision, b, did)
}

func (g *mailGhost) requeue(e *entry, c *registry.Requeue) mailAnswer {
	b := g.box(c.ID)
	l := b.find(c.Message)
	if l == nil || l.state != registry.MessageDead {
		return g.refuse(registry.NoMessage)
	}
	if b.waits() >= int(mailLimits.Messages) {
		return g.refuse(registry.MailboxFull)
	}
	revision := g.change(b)
	again := &letter{id: l.id, ttl: l.ttl, text: l.text}
	l.state, l.kept = 0, false
	g.append(e, b, again)
	return g.say(registry.OK, revision, b, registry.MailResult{Message: again.message()})
}
