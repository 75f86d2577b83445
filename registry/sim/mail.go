package sim

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

const (
	mailboxes = 2
	pageMax   = 3 // messages that a reader asks for at once
)

// mailLimits are so low that they matter within a run.
var mailLimits = registry.MailLimits{
	Messages: 6, MaxAttempts: 3, Tombstones: 4, TombstoneMS: 12_000, Dead: 1, DeadMS: 10_000, Idle: 1,
}

// mail is the correspondence of a run: for each of the first clients' ids one
// who sends and one who reads. It has its own chance, so that a run without
// mail is what it was.
type mail struct {
	random random
	on     bool
	people [2 * mailboxes]correspondent
	ghost  mailGhost
}

// correspondent sends to a mailbox, or reads it. What it asks for it asks again
// until it has a definite answer: a message keeps its id, a nack its number.
type correspondent struct {
	w        *World
	index    int
	box      int // of which client's id
	endpoint int
	attempt  uint32 // counts tries and timers; older ones are void
	doing    registry.Command
	tries    int // of doing
	letters  int // written so far
	after    uint64
}

func (w *World) beginMail() {
	m := &w.mail
	m.random = random(w.seed*0x9e3779b97f4a7c15 + 77)
	m.ghost.reset(w)
	if m.on = m.random.p(0.5); !m.on {
		return
	}
	for i := range m.people {
		p := &m.people[i]
		*p = correspondent{w: w, index: i, box: i % mailboxes, endpoint: m.random.n(replicas)}
		p.wait(m.random.between(0, 5*time.Second))
	}
}

func (p *correspondent) id() string { return p.w.clients[p.box].name }

func (p *correspondent) reads() bool { return p.index >= mailboxes }

// wait sets the timer; whatever else p waited for is void.
func (p *correspondent) wait(d time.Duration) {
	p.attempt++
	p.w.queue.push(p.w.now+d, evPost, p.index, p.attempt)
}

// post is a timer of a correspondent.
func (w *World) post(e event) {
	p := &w.mail.people[e.to]
	switch {
	case e.arg != p.attempt:
	case e.kind == evPostTimeout:
		p.move()
		p.try()
	case p.reads():
		p.read()
	default:
		p.write()
	}
}

// move goes on to the next endpoint.
func (p *correspondent) move() { p.endpoint = (p.endpoint + 1) % replicas }

func (p *correspondent) do(c registry.Command) {
	p.doing, p.tries = c, 0
	p.try()
}

// try sends what p is doing, and now and then a copy that comes late.
func (p *correspondent) try() {
	p.attempt++
	w, r := p.w, &p.w.mail.random
	req := request{client: -1, post: p.index + 1, attempt: p.attempt, about: p.box, node: p.endpoint, command: p.command()}
	p.tries++
	w.mailed(req, 0)
	if r.p(w.p.twice) {
		req.post = 0
		w.mailed(req, r.between(0, 5*time.Second))
	}
	w.queue.push(w.now+r.between(400*time.Millisecond, time.Second), evPostTimeout, p.index, p.attempt)
}

// command is where a bug of repetition is planted.
func (p *correspondent) command() registry.Command {
	s, ok := p.doing.(*registry.Send)
	if !ok || p.tries == 0 || !p.w.options.Bugs.ResendNewID {
		return p.doing
	}
	again := *s
	again.Message[0] = byte(p.tries)
	return &again
}

func (w *World) mailed(req request, late time.Duration) {
	r := &w.mail.random
	if r.p(w.p.loss) {
		return
	}
	w.requests = append(w.requests, req)
	w.queue.push(w.now+late+r.between(0, w.p.edgeMax), evArrive, req.node, uint32(len(w.requests)-1))
}

// answered brings an answer, if p still waits for it and the way is open.
func (p *correspondent) answered(i uint32, req *request) {
	n := p.w.nodes[req.node]
	switch {
	case req.attempt != p.attempt || !n.up || n.generation != req.process || p.w.links.clients[p.box][n.id]:
	case n.stopped():
		p.w.queue.push(n.thaw, evReply, 0, i)
	case req.unknown:
		p.move()
		p.try()
	default:
		p.w.report.Mail++
		p.w.mail.ghost.answer(p, req)
		p.next(req.code)
	}
}

// next is what p does after a definite answer.
func (p *correspondent) next(code registry.Code) {
	r := &p.w.mail.random
	switch {
	case p.reads():
		p.wait(r.between(50*time.Millisecond, time.Second))
	case code == registry.MailboxFull:
		p.wait(r.between(time.Second, 3*time.Second))
	case r.p(0.1):
		p.wait(r.between(10*time.Second, 40*time.Second)) // long enough for a mailbox to be forgotten
	default:
		p.wait(r.between(200*time.Millisecond, 4*time.Second))
	}
}

// write sends a letter, now and then one that was sent before.
func (p *correspondent) write() {
	r := &p.w.mail.random
	n := p.letters + 1
	if p.letters > 0 && r.p(0.15) {
		n -= 1 + r.n(min(p.letters, 5))
	}
	p.letters = max(p.letters, n)
	p.do(p.letter(n))
}

// letter returns the nth letter of p, each time the same.
func (p *correspondent) letter(n int) *registry.Send {
	s := &registry.Send{NS: ns, ID: p.id(), TTL: [...]uint64{1500, 8000, 30_000, 60_000}[n%4]}
	binary.BigEndian.PutUint32(s.Message[8:], uint32(p.index))
	binary.BigEndian.PutUint32(s.Message[12:], uint32(n))
	s.Body.Data = fmt.Appendf(nil, "letter %d of %d", n, p.index)
	return s
}
