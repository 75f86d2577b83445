package sim

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// entry is one entry of the log, and what only its proposer and the checkers
// know of it.
type entry struct {
	index, term uint64
	noop        bool // Raft's own
	content     registry.Entry
	data        []byte // content encoded, in runs that use the codec

	by         int // proposer
	generation uint32
	renew      registry.Renew
	beats      []uint32 // request of each beat of renew
	requests   []uint32 // request of each command after renew
	proposed   time.Duration

	committed time.Duration // when it was first known to be, 0: not yet
	decided   time.Duration // when its burials were
	held      bool          // waits for the leader's disk
}

// newEntry returns an entry of node n with that command, or none.
func (w *World) newEntry(n *node, c registry.Command) *entry {
	if w.used == len(w.entries) {
		w.entries = append(w.entries, new(entry))
	}
	e := w.entries[w.used]
	w.used++
	commands, beats, requests, packed := e.content.Commands[:0], e.beats[:0], e.requests[:0], e.renew.Beats[:0]
	*e = entry{by: n.id, generation: n.generation, beats: beats, requests: requests, proposed: w.now}
	e.renew.Beats = packed
	if c != nil {
		commands = append(commands, c)
	}
	e.content.Commands = commands
	return e
}

// stamp fills in what the proposer says of time.
func (n *node) stamp(e *entry) {
	clock := n.replica.Clock(n.mono())
	e.content.Wall = n.w.wall() + n.wallSkew
	e.content.Advance = uint32(max(0, clock-n.advanced))
	e.content.Proposer = n.name
	n.advanced = clock
	if n.w.p.encoded {
		e.data = e.content.Append(nil)
	}
}

// propose hands an entry to Raft. It reports false when this node's Raft does
// not lead: then it was definitely not proposed. It takes no notice of what
// the node believes.
func (n *node) propose(e *entry) bool {
	if !n.leading {
		return false
	}
	n.stamp(e)
	e.proposed = n.w.now
	n.flying = append(n.flying, e)
	if n.w.options.Bugs.AckBeforeCommit {
		n.ackEarly(e)
	}
	if n.w.options.Bugs.MailBeforeCommit {
		n.mailEarly(e)
	}
	if n.diskUntil > n.w.now {
		e.held = true
		n.held = append(n.held, e)
		return true
	}
	n.append(e)
	return true
}

// release lets the leader's disk take what waited for it.
func (n *node) release() {
	held := n.held
	n.held = nil
	for _, e := range held {
		if n.leading {
			e.held = false
			n.append(e)
		}
	}
}

func (n *node) ackEarly(e *entry) {
	for _, r := range e.beats {
		req := &n.w.requests[r]
		req.code = registry.OK
		n.reply(r)
	}
}
