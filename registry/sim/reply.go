package sim

import "github.com/seed-b4c92e43/rollcall/registry"

// settle answers what an applied entry decided, on the process that proposed
// it.
func (n *node) settle(e *entry, out *registry.Outcome) {
	for i, f := range n.flying {
		if f != e {
			continue
		}
		n.flying = append(n.flying[:i], n.flying[i+1:]...)
		n.answer(e, out)
		n.form()
		return
	}
}

func (n *node) answer(e *entry, out *registry.Outcome) {
	results := out.Results
	if len(e.beats) > 0 {
		for i, r := range e.beats {
			b := &results[0].Beats[i]
			req := &n.w.requests[r]
			req.code, req.current = b.Code, b.Current
			n.reply(r)
		}
		results = results[1:]
	}
	for i, r := range e.requests {
		res := &results[i]
		req := &n.w.requests[r]
		req.code, req.current = res.Code, max(res.CurrentSeq, res.CurrentEpoch)
		if res.Lease != nil {
			req.granted = res.Lease.Epoch
		}
		n.reply(r)
	}
}

// reply sends an answer back, by way of the node that took the request.
func (n *node) reply(r uint32) {
	req := &n.w.requests[r]
	if req.state == done {
		return
	}
	req.state = done
	if req.client < 0 && req.post == 0 {
		return
	}
	d := n.w.random.between(0, n.w.p.edgeMax)
	if req.node != n.id {
		d += n.w.delay()
	}
	n.w.queue.push(n.w.now+d, evReply, 0, r)
}

// unsure answers a command whose fate is not known.
func (n *node) unsure(r uint32) {
	req := &n.w.requests[r]
	if req.state != done {
		req.unknown = true
		n.reply(r)
	}
}
