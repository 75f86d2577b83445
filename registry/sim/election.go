package sim

// elect is the election timer.
func (n *node) elect() {
	deadline := n.heard + n.patience
	if n.leading {
		deadline = n.w.now + n.patience
	}
	if n.w.now < deadline {
		n.after(deadline-n.w.now, evElection)
		return
	}
	n.patience = n.w.random.between(n.w.p.election, 2*n.w.p.election)
	n.after(n.patience, evElection)
	n.campaign(false)
}

// campaign asks for votes, all in one step. Unless forced, whoever hears from
// a leader refuses (pre-vote).
func (n *node) campaign(forced bool) {
	if n.diskUntil > n.w.now {
		return
	}
	var voters []*node
	term := n.term
	for _, v := range n.w.nodes {
		if v == n || v.grants(n, forced) {
			voters = append(voters, v)
			term = max(term, v.term)
		}
	}
	if len(voters) <= replicas/2 {
		return
	}
	term++
	for _, v := range voters {
		if v.leading {
			v.stepDown(term)
		}
		v.term, v.heard = term, n.w.now
	}
	n.win(term)
}

func (n *node) grants(c *node, forced bool) bool {
	w := n.w
	if !n.up || n.stopped() || n.diskUntil > w.now || w.links.nodes[n.id][c.id] || w.links.nodes[c.id][n.id] {
		return false
	}
	if !forced && (n.leading || w.now-n.heard < w.p.election) {
		return false
	}
	return !n.newer(c)
}

// newer tells whether n's log is ahead of c's.
func (n *node) newer(c *node) bool {
	if a, b := n.lastTerm(), c.lastTerm(); a != b {
		return a > b
	}
	return len(n.log) > len(c.log)
}

func (r *raft) lastTerm() uint64 {
	if len(r.log) == 0 {
		return 0
	}
	return r.log[len(r.log)-1].term
}

func (n *node) win(term uint64) {
	n.w.report.Leaders++
	n.w.logf("%s is elected, term %d", n.name, term)
	n.leading, n.leader = true, n.id
	n.match = [replicas]uint64{}
	for i := range n.acked {
		n.acked[i] = n.w.now
	}
	noop := n.w.newEntry(n, nil)
	noop.noop = true
	n.append(noop)
	n.beat()
	n.after(n.w.random.between(0, n.w.p.notice), evNotice)
}
