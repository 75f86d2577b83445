package sim

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// inFlight is how many batches may be on their way.
const inFlight = 2

// requestLife is how long a node keeps a request for which there is no leader.
const requestLife = 2 * time.Second

type requestState uint8

const (
	waiting requestState = iota // at its node, given to nobody yet
	sent                        // given to a leader
	done
)

// request is one try of a client at one node.
type request struct {
	client  int    // -1: no client waits for the answer
	post    int    // the correspondent that does + 1, or 0
	attempt uint32 // of the client
	about   int    // index of the client whose lease it is about
	node    int    // that it was sent to
	process uint32 // generation of that node which took it
	state   requestState
	again   bool // sent before
	died    time.Duration
	effects int // times it changed something
	key     string

	command    registry.Command // nil for a beat
	epoch, seq uint64

	code    registry.Code
	unknown bool // no definite answer
	current uint64
	granted uint64
}

// collector is what a node has on its way: the queues of a leader, and the
// requests that this node took from clients.
type collector struct {
	open     []uint32 // taken from clients, not answered
	beats    []uint32
	commands []uint32
	burial   *registry.Expire
	judged   time.Duration // when burial was decided
	flying   []*entry
	held     []*entry // of flying: wait for the disk
	batching bool     // an evBatch is on its way
}

func (c *collector) reset() { *c = collector{open: c.open[:0], beats: c.beats[:0]} }

// arrive takes a client's request, or one that comes back from a node that
// does not lead.
func (n *node) arrive(r uint32) {
	req := &n.w.requests[r]
	if req.state == done || req.process != 0 && req.process != n.generation {
		return
	}
	if req.process == 0 {
		if n.w.links.clients[req.source()][n.id] {
			return
		}
		req.process = n.generation
		req.died = n.w.now + requestLife
		n.open = append(n.open, r)
	}
	switch {
	case req.state != waiting:
	case n.w.options.Bugs.RefuseLocally && n.unknown(req):
		req.code = registry.NotFound
		n.reply(r)
	default:
		n.dispatch(r)
	}
}

// unknown tells whether a beat is of an epoch that this replica does not know.
func (n *node) unknown(req *request) bool {
	_, _, ok := n.replica.Holder(req.epoch)
	return req.command == nil && !ok
}

func (r *request) source() int {
	if r.client >= 0 {
		return r.client
	}
	return r.about
}

// dispatch gives a request to the leader, if there is one.
func (n *node) dispatch(r uint32) {
	req := &n.w.requests[r]
	switch {
	case n.office != 0:
		req.state = sent
		n.enqueue(r)
	case n.leader >= 0 && n.leader != n.id:
		n.resend(req)
		req.state = sent
		n.w.queue.push(n.w.now+n.w.delay(), evForward, n.leader, r)
	}
}

// resend is where bugs of repetition are planted.
func (n *node) resend(req *request) {
	if !req.again {
		req.again = true
		return
	}
	if n.w.options.Bugs.RetryNewSeq {
		req.seq++
	}
}

// forwarded takes a follower's request.
func (n *node) forwarded(r uint32) {
	req := &n.w.requests[r]
	switch {
	case n.w.links.nodes[req.node][n.id]:
	case n.office != 0:
		n.enqueue(r)
	default: // it comes back
		req.state = waiting
		n.w.queue.push(n.w.now+50*time.Millisecond, evArrive, req.node, r)
	}
}

func (n *node) enqueue(r uint32) {
	req := &n.w.requests[r]
	if req.command != nil {
		n.commands = append(n.commands, r)
		n.form()
		return
	}
	n.w.ghost.taken(n, req.epoch, req.seq)
	if n.w.options.Bugs.DropWaiting && n.w.random.p(0.02) {
		return
	}
	n.beats = append(n.beats, r)
	if !n.batching {
		n.batching = true
		n.after(n.w.p.linger, evBatch)
	}
}

// bury puts a decision of the judge behind all that waits, with one that waits
// still.
func (n *node) bury(x *registry.Expire) {
	if b := n.burial; b != nil && b.Term == x.Term {
		b.Burials = append(b.Burials, x.Burials...)
		b.StallMS = max(b.StallMS, x.StallMS)
		x = b
	}
	n.burial, n.judged = x, n.w.now
	if n.w.options.Bugs.BurialByFollower && n.office == 0 {
		n.usurp()
		return
	}
	n.form()
}

// usurp is a planted bug: the decision of a node that does not serve is handed
// to the leader, as if it were the leader's.
func (n *node) usurp() {
	x := n.burial
	n.burial = nil
	if n.leader >= 0 && n.leader != n.id {
		if l := n.w.nodes[n.leader]; l.up && !l.stopped() && l.office != 0 {
			x.Term = l.term
			e := n.w.newEntry(l, x)
			e.decided, e.by = n.judged, n.id
			l.propose(e)
		}
	}
}

// form proposes a batch, if one may leave.
func (n *node) form() {
	if n.office == 0 || len(n.flying) >= inFlight || len(n.beats)+len(n.commands) == 0 && n.burial == nil {
		return
	}
	e := n.w.newEntry(n, nil)
	for _, r := range n.beats {
		n.pack(e, r)
	}
	if len(e.beats) > 0 {
		e.content.Commands = append(e.content.Commands, &e.renew)
	}
	n.packCommands(e)
	if !n.propose(e) {
		return // definitely not proposed: it waits until the node notices
	}
	n.beats, n.commands, n.burial = n.beats[:0], n.commands[:0], nil
}

// pack adds a beat. One whose epoch this replica knows goes as a bare pair.
func (n *node) pack(e *entry, r uint32) {
	req := &n.w.requests[r]
	if _, id, ok := n.replica.Holder(req.epoch); ok && id == n.w.clients[req.about].id {
		e.beats = append(e.beats, r)
		e.renew.Beats = e.renew.Beats.Append(req.epoch, req.seq)
		return
	}
	e.requests = append(e.requests, r)
}

func (n *node) packCommands(e *entry) {
	for _, r := range e.requests { // beats of unknown epochs
		req := &n.w.requests[r]
		e.content.Commands = append(e.content.Commands, &registry.RenewNamed{NS: ns, ID: n.w.clients[req.about].id, Epoch: req.epoch, Seq: req.seq})
	}
	for _, r := range n.commands {
		e.requests = append(e.requests, r)
		e.content.Commands = append(e.content.Commands, n.w.requests[r].command)
	}
	if n.burial != nil {
		if n.w.options.Bugs.RestampBurial {
			n.burial.Term = n.term
		}
		e.content.Commands = append(e.content.Commands, n.burial)
		e.decided = n.judged
	}
}

// waiting tells whether a renewal of that epoch beyond seq was taken and is
// not committed yet.
func (n *node) waiting(epoch, seq uint64) bool {
	for _, r := range n.beats {
		if req := &n.w.requests[r]; req.epoch == epoch && req.seq > seq {
			n.w.ghost.waited(epoch)
			return true
		}
	}
	for _, e := range n.flying {
		if n.carries(e, epoch, seq) {
			n.w.ghost.waited(epoch)
			return true
		}
	}
	return false
}

func (n *node) carries(e *entry, epoch, seq uint64) bool {
	for _, list := range [...][]uint32{e.beats, e.requests} {
		for _, r := range list {
			if req := &n.w.requests[r]; req.command == nil && req.epoch == epoch && req.seq > seq {
				return true
			}
		}
	}
	return false
}

// oldest is how long the oldest batch has been on its way.
func (n *node) oldest() time.Duration {
	if len(n.flying) == 0 {
		return 0
	}
	return n.w.now - n.flying[0].proposed
}
