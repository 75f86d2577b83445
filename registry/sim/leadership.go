package sim

// What leadership does to requests. A renewal is sent again wherever the
// leader is now: its seq makes that safe. A command that may have been
// proposed is not: its fate is unknown.

// attach begins to lead: what this node took goes into its own log.
func (n *node) attach() {
	n.redirect()
	n.form()
}

// detach ends leading. Followers send what they gave us to the next leader;
// what this node took itself waits for it.
func (n *node) detach() {
	n.burial = nil
	for _, list := range [...][]uint32{n.beats, n.commands} {
		for _, r := range list {
			if req := &n.w.requests[r]; req.state == sent {
				req.state = waiting
			}
		}
	}
	n.beats, n.commands = n.beats[:0], n.commands[:0]
	if n.leader >= 0 {
		n.redirect()
	}
}

// failFlying is told that what this node proposed may be lost.
func (n *node) failFlying() {
	for _, e := range n.flying {
		for _, r := range e.beats {
			n.takeBack(r)
		}
		for _, r := range e.requests {
			n.takeBack(r)
		}
	}
	n.flying, n.held = nil, nil
}

func (n *node) takeBack(r uint32) {
	req := &n.w.requests[r]
	switch {
	case req.state != sent:
	case req.command == nil || n.w.options.Bugs.CommandTwice:
		req.state = waiting
	default:
		n.unsure(r)
	}
}

// redirect gives what this node took to the leader that it knows now.
func (n *node) redirect() {
	kept := n.open[:0]
	for _, r := range n.open {
		req := &n.w.requests[r]
		if req.state == done || req.died < n.w.now {
			continue
		}
		kept = append(kept, r)
	}
	n.open = kept
	for _, r := range n.open {
		req := &n.w.requests[r]
		if req.state == sent {
			n.takeBack(r)
		}
		if req.state == waiting {
			n.dispatch(r)
		}
	}
}
