package sim

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// read asks one node for what waits, and does something about it.
func (p *correspondent) read() {
	w, r := p.w, &p.w.mail.random
	n := w.nodes[p.endpoint]
	if !n.up || n.stopped() || w.links.clients[p.box][n.id] {
		p.move()
		p.wait(r.between(100*time.Millisecond, time.Second))
		return
	}
	if r.p(0.1) {
		p.after = 0 // as after a restart
	}
	if r.p(0.2) {
		p.move()
	}
	now := n.replica.ClusterNow(n.mono())
	page := n.replica.Messages(ns, p.id(), p.after, pageMax, now)
	w.mail.ghost.read(n, p, &page, now)
	p.after = page.Next
	if len(page.Messages) == 0 {
		p.idle(n)
		return
	}
	p.consume(page.Messages)
}

// idle looks after the dead letters.
func (p *correspondent) idle(n *node) {
	r := &p.w.mail.random
	if dead := n.replica.DeadLetters(ns, p.id(), 0, 1); len(dead) > 0 && r.p(0.3) {
		p.do(&registry.Requeue{NS: ns, ID: p.id(), Message: dead[0].ID})
		return
	}
	p.wait(r.between(200*time.Millisecond, 3*time.Second))
}

// consume acknowledges what was read, or gives it back; now and then it falls
// silent and leaves it.
func (p *correspondent) consume(list []registry.Message) {
	r := &p.w.mail.random
	last := list[len(list)-1]
	switch r.n(10) {
	case 0, 1, 2:
		p.do(&registry.Ack{NS: ns, ID: p.id(), Epoch: p.epoch(), UpTo: last.Offset})
	case 3, 4:
		p.do(&registry.Ack{NS: ns, ID: p.id(), Epoch: p.epoch(), Messages: names(list)})
	case 5:
		p.wait(r.between(time.Second, 20*time.Second))
	default:
		p.do(&registry.Nack{
			NS: ns, ID: p.id(), Epoch: p.epoch(), Messages: names(list[len(list)-1:]), Attempt: last.Attempts + 1, Reason: "busy",
		})
	}
}

func names(list []registry.Message) []registry.MessageID {
	ids := make([]registry.MessageID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

// epoch is that of the client which holds the id, where the reader says it.
func (p *correspondent) epoch() uint64 {
	c := &p.w.clients[p.box]
	if c.id != p.id() || p.w.mail.random.p(0.5) {
		return 0
	}
	return c.epoch
}

// mailEvery is how often at most an entry is made for what is overdue.
const mailEvery = 200 * time.Millisecond

// ageMail has an entry committed when the time of a message is over.
func (n *node) ageMail(mono time.Duration) {
	if n.served == n.office && n.office != 0 && n.w.now >= n.aged && n.replica.Overdue(mono) {
		n.aged = n.w.now + mailEvery
		n.propose(n.w.newEntry(n, checkCommand))
	}
}

// mailEarly is a planted bug.
func (n *node) mailEarly(e *entry) {
	for _, r := range e.requests {
		if req := &n.w.requests[r]; req.post != 0 {
			req.code = registry.OK
			n.reply(r)
		}
	}
}
