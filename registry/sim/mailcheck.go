package sim

import (
	"slices"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// begin takes over the time of an entry that is followed; that of the first of
// a term does not count.
func (g *mailGhost) begin(e *entry) {
	if e.term == g.term {
		g.cluster += uint64(e.content.Advance)
	}
	g.term, g.touched = e.term, false
}

// command checks what a command of mail did (promises 2 and 8).
func (g *mailGhost) command(e *entry, c registry.Command, res *registry.Result) {
	var want mailAnswer
	switch c := c.(type) {
	case *registry.Send:
		want = g.send(e, c)
	case *registry.Ack:
		if g.fenced(c.ID, c.Epoch, res.Code) {
			return
		}
		want = g.ack(e, c)
	case *registry.Nack:
		if g.fenced(c.ID, c.Epoch, res.Code) {
			return
		}
		want = g.nack(e, c)
	case *registry.Requeue:
		want = g.requeue(e, c)
	default:
		return
	}
	got := mailAnswer{code: res.Code, revision: res.Revision}
	if res.Mail != nil {
		got.did = *res.Mail
		got.did.Message.Size, got.did.Message.Key = 0, registry.BodyKey{}
	}
	if got != want {
		g.w.fail("promise 8: entry %d: %T answered %+v, want %+v", e.index, c, got, want)
	}
}

// fenced tells whether an epoch does not hold the id; then nothing may happen.
func (g *mailGhost) fenced(id string, epoch uint64, code registry.Code) bool {
	var live uint64
	if i := g.w.ghost.holders[g.w.byID(id)]; i != 0 {
		live = g.w.ghost.leases[i-1].epoch
	}
	if epoch == 0 || epoch == live {
		return false
	}
	want := code == registry.Ended || code == registry.NotFound
	if live > epoch {
		want = code == registry.Superseded
	}
	if !want {
		g.w.fail("promise 5: epoch %d of %s, where %d lives, was answered with code %d", epoch, id, live, code)
	}
	return true
}

// done ends the following of an entry: time passes, and the replica must hold
// what the ghost does.
func (g *mailGhost) done(n *node, e *entry) {
	g.age(e)
	if !g.touched {
		return
	}
	for i := range g.boxes {
		g.same(n, g.w.clients[i].name, &g.boxes[i])
	}
}

func (g *mailGhost) same(n *node, id string, b *letterbox) {
	pending, dead := b.in(registry.MessagePending), b.in(registry.MessageDead)
	got := n.replica.Mailbox(ns, id, 0)
	if got.Pending != len(pending) || got.Dead != len(dead) || got.Tombstones != len(b.tombs) || got.Last != b.last || got.Revision != b.changed {
		g.w.fail("promise 8: the mailbox of %s is %+v; %d wait, %d are dead, %d tombstones, last %d, revision %d",
			id, got, len(pending), len(dead), len(b.tombs), b.last, b.changed)
	}
	for _, l := range slices.Concat(pending, dead, b.tombs) {
		m, ok := n.replica.Message(ns, id, l.id)
		if !ok || m.Offset != l.offset || m.State != l.state || m.Attempts != l.attempts {
			g.w.fail("promise 8: message %d of %s is %+v, want %+v", l.offset, id, m, *l)
		}
	}
}

// pending checks how many messages a holder is told of.
func (g *mailGhost) pending(l *lease, told int) {
	id := g.w.clients[l.client].id
	if i := g.w.byID(id); i < mailboxes && told != g.boxes[i].waits() || i >= mailboxes && told != 0 {
		g.w.fail("promise 8: epoch %d of %s is told of %d messages", l.epoch, id, told)
	}
}

// answer checks what a correspondent is told against what is committed.
func (g *mailGhost) answer(p *correspondent, req *request) {
	if req.code != registry.OK && req.code != registry.Duplicate {
		return
	}
	switch c := p.doing.(type) {
	case *registry.Send:
		if _, ok := g.texts[string(c.Body.Data)]; !ok {
			g.w.fail("promise 1: %q was acknowledged, and is not committed", c.Body.Data)
		}
	case *registry.Ack:
		for _, l := range g.box(c.ID).in(registry.MessagePending) {
			if l.offset <= c.UpTo {
				g.w.fail("promise 1: the ack up to %d was acknowledged, and message %d waits", c.UpTo, l.offset)
			}
		}
	}
}

// read checks a page of any replica against what is committed up to where that
// replica is.
func (g *mailGhost) read(n *node, p *correspondent, page *registry.MessagePage, now uint64) {
	b, after := g.box(p.id()), p.after
	last, reached := uint64(0), n.replica.Index()
	for i := range page.Messages {
		m := &page.Messages[i]
		l := b.at(m.Offset)
		switch {
		case m.Offset <= last:
			g.w.fail("promise 8: message %d was read after %d", m.Offset, last)
		case l == nil && b.open && m.Offset > b.first():
			g.w.fail("promise 8: message %d was read, which was never sent", m.Offset)
		case l != nil:
			g.readable(n, m, l, now, reached)
		}
		last = m.Offset
	}
	upTo := b.last
	if len(page.Messages) == pageMax {
		upTo = page.Next
	}
	for _, l := range b.all {
		if l.offset > after && l.offset <= upTo && l.sent <= reached {
			g.unread(n, page, l, reached)
		}
	}
}

// at returns the letter of an offset, or nil.
func (b *letterbox) at(offset uint64) *letter {
	for _, l := range b.all {
		if l.offset == offset {
			return l
		}
	}
	return nil
}

// first returns the least offset that is known.
func (b *letterbox) first() uint64 {
	if len(b.all) == 0 {
		return b.last
	}
	return b.all[0].offset
}

// readable checks a message that was read.
func (g *mailGhost) readable(n *node, m *registry.Message, l *letter, now, reached uint64) {
	switch {
	case l.id != m.ID || l.sent > reached:
		g.w.fail("promise 8: message %d is %x, sent by entry %d, and was read at %d as %x", l.offset, l.id, l.sent, reached, m.ID)
	case l.over != 0 && l.over <= reached:
		g.w.fail("promise 8: message %d ended with entry %d and was read on %s at %d", l.offset, l.over, n.name, reached)
	case m.Attempts > l.attempts:
		g.w.fail("promise 8: message %d was read with %d attempts, it has had %d", l.offset, m.Attempts, l.attempts)
	case m.Attempts == l.attempts && l.due > now:
		g.w.fail("promise 8: message %d was read %d ms before it is due", l.offset, l.due-now)
	}
	if body, err := registry.DecodeBody(n.body(m.Key)); err != nil || string(body.Data) != l.text {
		g.w.fail("promise 8: the body of message %d on %s is %q (%v), it was %q", l.offset, n.name, body.Data, err, l.text)
	}
}

// body finds a body where it is: not flushed yet, or in the image.
func (n *node) body(key registry.BodyKey) []byte {
	if record, known := n.replica.Record(registry.KindBody, key[:]); known {
		return record
	}
	return n.disk.records[string(append([]byte{byte(registry.KindBody)}, key[:]...))]
}

// unread checks a message that was in reach: it was read, or there is a reason
// why not.
func (g *mailGhost) unread(n *node, page *registry.MessagePage, l *letter, reached uint64) {
	read := slices.ContainsFunc(page.Messages, func(m registry.Message) bool { return m.Offset == l.offset })
	switch gap := page.Gap; {
	case l.state == registry.MessageExpired && l.over <= reached && (gap == nil || l.offset < gap.From || l.offset > gap.To):
		g.w.fail("promise 8: message %d expired, and %s showed no gap (%v)", l.offset, n.name, gap)
	case l.over == 0 && l.attempts == 0 && !read:
		g.w.fail("promise 8: message %d waits, and was not read on %s at %d", l.offset, n.name, reached)
	}
}
