package sim

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

func (c *client) do(command registry.Command) {
	c.doing, c.beating = command, false
	c.try()
}

func (c *client) beat() {
	c.doing, c.beating = nil, true
	c.w.ghost.asks(c.epoch, c.seq)
	c.try()
}

// try sends what the client is doing to its present endpoint.
func (c *client) try() {
	c.attempt++
	w := c.w
	req := request{client: c.index, attempt: c.attempt, command: c.doing, epoch: c.epoch, seq: c.seq}
	if g, ok := c.doing.(*registry.Grant); ok && w.options.Bugs.ForgetKey && w.random.p(0.5) {
		copied := *g
		copied.Key = ""
		req.command, req.key = &copied, g.Key
	}
	w.request(c, &req, 0)
	if c.beating && w.random.p(w.p.twice) {
		late := request{client: -1, epoch: c.epoch, seq: c.seq}
		w.request(c, &late, w.random.between(0, 2*c.ttl))
	}
	patience := min(max(c.ttl/6, 60*time.Millisecond), 1500*time.Millisecond)
	if !c.beating {
		patience = max(patience, 400*time.Millisecond)
	}
	w.queue.push(w.now+patience, evTimeout, c.index, c.attempt)
}

// request puts a request on its way to the client's endpoint.
func (w *World) request(c *client, req *request, late time.Duration) {
	req.about, req.node = c.about, c.endpoint
	if w.random.p(w.p.loss) {
		return
	}
	w.requests = append(w.requests, *req)
	w.queue.push(w.now+late+w.random.between(0, w.p.edgeMax), evArrive, req.node, uint32(len(w.requests)-1))
}

// timeout goes on to the next endpoint.
func (c *client) timeout(w *World, attempt uint32) {
	if attempt == c.attempt {
		c.endpoint = (c.endpoint + 1) % replicas
		c.try()
	}
}

// answered brings an answer to the client, if it still waits for it and the
// way is open.
func (w *World) answered(r uint32) {
	req := &w.requests[r]
	if req.post != 0 {
		w.mail.people[req.post-1].answered(r, req)
		return
	}
	c := &w.clients[req.client]
	n := w.nodes[req.node]
	if req.attempt != c.attempt || !n.up || n.generation != req.process || w.links.clients[c.index][n.id] {
		return
	}
	if n.stopped() {
		w.queue.push(n.thaw, evReply, 0, r)
		return
	}
	w.report.Acked++
	if req.unknown {
		c.timeout(w, c.attempt)
		return
	}
	c.reply(req)
}

// reply acts on a definite answer.
func (c *client) reply(req *request) {
	c.w.ghost.answer(c, req)
	c.attempt++ // the time-out is void
	switch c.doing.(type) {
	case nil:
		c.renewed(req)
	case *registry.Grant:
		c.registered(req)
	case *registry.Patch:
		c.wait(0)
	default: // it has ended its lease
		c.forget()
		c.wait(c.w.random.between(0, 3*c.ttl))
	}
}

func (c *client) renewed(req *request) {
	switch req.code {
	case registry.OK, registry.Duplicate:
		c.acked = c.seq
		c.wait(c.w.random.about(c.ttl / 3))
	case registry.Superseded:
		c.forget()
		c.wait(c.w.random.between(c.ttl, 2*c.ttl))
	default:
		c.forget()
		c.wait(c.w.random.between(0, c.ttl/2))
	}
}

func (c *client) registered(req *request) {
	r := &c.w.random
	switch req.code {
	case registry.OK, registry.Duplicate:
		c.epoch, c.seq, c.acked, c.beats, c.plan = req.granted, 0, 0, 0, 1+r.n(12)
		c.since, c.away = c.w.now, false
		if c.previous != 0 && r.p(0.2) { // a leave of the epoch before comes late
			leave := &registry.Leave{NS: ns, ID: c.id, Epoch: c.previous}
			c.w.request(c, &request{client: -1, command: leave}, r.between(0, c.ttl))
		}
		c.wait(r.about(c.ttl / 3))
	case registry.Taken:
		c.key = ""
		c.wait(r.between(c.ttl/2, 2*c.ttl))
	default: // what this key was given has ended since
		c.key = ""
		c.wait(r.between(0, c.ttl))
	}
}
