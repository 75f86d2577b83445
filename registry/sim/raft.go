package sim

import (
	"slices"
	"time"
)

// raft is a node's part in the replicated log: terms, votes, the log itself
// (both durable), and what a leader knows of the others. It is Raft with its
// messages, but elections happen in one step.
type raft struct {
	term uint64
	log  []*entry

	leading  bool
	leader   int           // -1: unknown
	heard    time.Duration // last word of a leader
	patience time.Duration // election time-out of this round
	commit   uint64
	applied  uint64
	applying bool // an evApply is on its way

	match     [replicas]uint64
	acked     [replicas]time.Duration
	beating   bool          // an evHeartbeat is on its way
	notifying bool          // an evNotify is on its way
	told      uint64        // commit index that the last broadcast carried
	asked     time.Duration // when the last broadcast that wants answers went out
}

// tellAfter is how long the followers wait to hear of a commit at most.
const tellAfter = 8 * time.Millisecond

// message is an AppendEntries or its answer. The log in it is shared and its
// first n entries never change.
type message struct {
	from   int
	term   uint64
	log    []*entry
	commit uint64
	match  uint64 // of the answer
	quiet  bool   // wants no answer
}

// links says which ways are cut.
type links struct {
	nodes   [replicas][replicas]bool // from, to
	clients [leases][replicas]bool   // both ways
}

func (r *raft) reset(n *node) {
	r.leading, r.leader, r.heard = false, -1, n.w.now
	r.patience = n.w.random.between(n.w.p.election, 2*n.w.p.election)
	r.commit, r.applied = n.replica.Index(), n.replica.ReplayFrom()
	if n.w.options.Bugs.SkipReplay {
		r.applied = n.replica.Index()
	}
	r.applying, r.beating, r.notifying = false, false, false
}

func (w *World) delay() time.Duration { return w.random.between(w.p.netMin, w.p.netMax) }

func (w *World) send(m message, k kind, to int) {
	var i uint32
	if last := len(w.freeMsgs) - 1; last >= 0 {
		i = w.freeMsgs[last]
		w.freeMsgs = w.freeMsgs[:last]
		w.messages[i] = m
	} else {
		i = uint32(len(w.messages))
		w.messages = append(w.messages, m)
	}
	w.queue.push(w.now+w.delay(), k, to, i)
}

// take returns a message that arrived, unless its way is cut.
func (n *node) take(i uint32) (message, bool) {
	m := n.w.messages[i]
	n.w.messages[i].log = nil
	n.w.freeMsgs = append(n.w.freeMsgs, i)
	return m, !n.w.links.nodes[m.from][n.id]
}

// sendAppend sends all of the leader's log to a follower.
func (n *node) sendAppend(to int, quiet bool) {
	n.w.send(message{from: n.id, term: n.term, log: n.log[:len(n.log):len(n.log)], commit: n.commit, quiet: quiet}, evAppend, to)
}

func (n *node) broadcast(quiet bool) {
	n.told = n.commit
	if !quiet {
		n.asked = n.w.now
	}
	for i := range n.w.nodes {
		if i != n.id {
			n.sendAppend(i, quiet)
		}
	}
}

func (n *node) onAppend(i uint32) {
	if n.diskUntil > n.w.now {
		n.w.queue.push(n.diskUntil, evAppend, n.id, i)
		return
	}
	m, ok := n.take(i)
	if !ok {
		return
	}
	if m.term < n.term {
		n.w.send(message{from: n.id, term: n.term}, evAck, m.from)
		return
	}
	n.follow(m.term, m.from)
	n.merge(m.log)
	n.committed(min(m.commit, uint64(len(m.log))))
	if !m.quiet {
		n.w.send(message{from: n.id, term: n.term, match: uint64(len(m.log))}, evAck, m.from)
	}
}

// follow takes a leader's word for its term.
func (n *node) follow(term uint64, leader int) {
	n.heard = n.w.now
	changed := term != n.term || n.leader != leader
	if term > n.term || n.leading {
		n.stepDown(term)
	}
	if changed {
		n.leader = leader
		n.redirect()
	}
}

// merge makes the log one with the leader's: what is the same at one place is
// the same before it.
func (n *node) merge(log []*entry) {
	same := min(len(n.log), len(log))
	for same > 0 && n.log[same-1] != log[same-1] {
		same--
	}
	if same == len(log) {
		return
	}
	if same < len(n.log) {
		if uint64(same) < n.commit {
			n.w.fail("promise 1: %s must drop entry %d, which is committed", n.name, same+1)
			return
		}
		n.w.report.Lost += len(n.log) - same
		n.log = slices.Clone(n.log[:same])
	}
	n.log = append(n.log, log[same:]...)
}

func (n *node) onAck(i uint32) {
	m, ok := n.take(i)
	switch {
	case !ok:
	case m.term > n.term:
		n.stepDown(m.term)
	case n.leading && m.term == n.term:
		n.acked[m.from] = n.w.now
		n.match[m.from] = max(n.match[m.from], m.match)
		n.advance()
	}
}

// advance commits what a majority holds, if it is of the present term.
func (n *node) advance() {
	n.match[n.id] = uint64(len(n.log))
	m := n.match
	slices.Sort(m[:])
	held := m[replicas/2]
	if n.w.options.Bugs.CommitAlone {
		held = n.match[n.id]
	}
	if held > n.commit && n.log[held-1].term == n.term {
		n.committed(held)
		if !n.notifying {
			n.notifying = true
			n.after(tellAfter, evNotify)
		}
	}
}

// notify tells the followers what is committed, if nothing else did.
func (n *node) notify() {
	n.notifying = false
	if n.leading && n.told < n.commit {
		n.broadcast(true)
	}
}

// committed raises the commit index and applies what it covers, soon.
func (n *node) committed(commit uint64) {
	if commit <= n.commit {
		return
	}
	for _, e := range n.log[n.commit:commit] {
		n.w.ghost.committed(n, e)
	}
	n.commit = commit
	lag := n.w.random.between(0, n.w.p.apply)
	if n.slowUntil > n.w.now {
		lag += n.applySlow
	}
	switch {
	case n.applying:
	case lag == 0:
		n.apply()
	default:
		n.applying = true
		n.after(lag, evApply)
	}
}

// heartbeat keeps the followers, and ends a leader that nobody answers.
func (n *node) heartbeat() {
	n.beating = false
	if !n.leading {
		return
	}
	last := time.Duration(0)
	for i, at := range n.acked {
		if i != n.id {
			last = max(last, at)
		}
	}
	if n.w.now-last > n.w.p.election {
		n.w.logf("%s has lost its quorum", n.name)
		n.stepDown(n.term)
		return
	}
	if n.w.options.Bugs.CommitAlone {
		n.advance()
	}
	if n.w.now-n.asked >= n.w.p.election/8 {
		n.broadcast(false)
	}
	n.beat()
}

func (n *node) beat() {
	if !n.beating {
		n.beating = true
		n.after(n.w.p.election/4, evHeartbeat)
	}
}

// stepDown ends leading; what was proposed has an unknown fate.
func (n *node) stepDown(term uint64) {
	n.term = max(n.term, term)
	n.leader = -1
	if n.leading {
		n.w.logf("%s steps down, term %d", n.name, n.term)
		n.leading = false
		n.heard = n.w.now
		n.failFlying()
		n.after(n.w.random.between(0, n.w.p.notice), evNotice)
	}
}

// append puts an entry into the leader's log and on its way.
func (n *node) append(e *entry) {
	e.term, e.index = n.term, uint64(len(n.log))+1
	n.log = append(n.log, e)
	n.broadcast(false)
}
