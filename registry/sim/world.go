package sim

import (
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// Options say how a seed is run.
type Options struct {
	Bugs  Bugs
	Trace bool // keep the last steps for the report of a failure
}

// Report counts what happened in a run.
type Report struct {
	Leaders, Pauses, Suspends, Crashes, Partitions, Stalls int // faults, and elections won
	Grants, Renewals, Duplicates, Burials, Leaves          int // committed
	Entries, Lost                                          int // committed; proposed and lost
	Acked                                                  int // answers that clients got
	Bounded                                                int // times a bound of lateness was checked
	Watched, Compacted                                     int // events that watchers saw; times one began anew
	Letters, Expired, Forgotten                            int // messages committed, expired; mailboxes
	Mail                                                   int // answers that correspondents got
}

// Add sums up.
func (r *Report) Add(o Report) {
	r.Leaders += o.Leaders
	r.Pauses += o.Pauses
	r.Suspends += o.Suspends
	r.Crashes += o.Crashes
	r.Partitions += o.Partitions
	r.Stalls += o.Stalls
	r.Grants += o.Grants
	r.Renewals += o.Renewals
	r.Duplicates += o.Duplicates
	r.Burials += o.Burials
	r.Leaves += o.Leaves
	r.Entries += o.Entries
	r.Lost += o.Lost
	r.Acked += o.Acked
	r.Bounded += o.Bounded
	r.Watched += o.Watched
	r.Compacted += o.Compacted
	r.Letters += o.Letters
	r.Expired += o.Expired
	r.Forgotten += o.Forgotten
	r.Mail += o.Mail
}

// Failure is a broken promise.
type Failure struct {
	Seed    uint64
	At      time.Duration // virtual
	Promise string        // which, and how it was broken
	Trace   []string      // the last steps before it
}

// Error implements error.
func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d at %v: %s", f.Seed, f.At, f.Promise)
}

// World runs seeds, one after the other; it keeps its memory in between. It is
// not safe for concurrent use.
type World struct {
	seed    uint64
	now     time.Duration
	random  random
	p       params
	options Options
	queue   queue
	nodes   [replicas]*node
	ticking *node // whose ticker fires next
	clients [leases]client
	ghost   ghost

	mail     mail
	watchers [watchers]watcher
	watching random // of watchers and of what is kept, so that the rest of a seed runs as it would without
	links    links
	report   Report
	failure  *Failure
	trace    trace

	requests []request
	messages []message
	freeMsgs []uint32
	entries  []*entry // pool: the first used are in use
	used     int
}

// NewWorld returns a world in which nothing ran yet.
func NewWorld() *World { return &World{} }

// Run runs one seed and returns what happened, and the first broken promise or
// nil.
func (w *World) Run(seed uint64, o Options) (Report, *Failure) {
	w.reset(seed, o)
	w.begin()
	for w.failure == nil && w.now < Duration {
		w.step()
	}
	if w.failure == nil {
		w.finish()
	}
	return w.report, w.failure
}

// step lets the next thing happen: a tick, of which there are too many for the
// queue, or an event.
func (w *World) step() {
	next, list := w.queue.next()
	if at := w.ticking.tickAt; at <= next.at {
		w.now, w.queue.now = at, at
		w.ticking.ticker()
		w.tickNext()
		return
	}
	e := *next
	w.queue.take(list)
	w.now, w.queue.now = e.at, e.at
	w.handle(e)
}

// tickNext finds the node whose ticker fires next; it is called whenever one
// of them was set.
func (w *World) tickNext() {
	w.ticking = w.nodes[0]
	for _, n := range w.nodes[1:] {
		if n.tickAt < w.ticking.tickAt {
			w.ticking = n
		}
	}
}

func (w *World) reset(seed uint64, o Options) {
	w.seed, w.options, w.now = seed, o, 0
	w.random = random(seed*0x9e3779b97f4a7c15 + 1)
	w.watching = random(seed*0xbf58476d1ce4e5b9 + 1)
	w.queue.reset()
	w.report, w.failure = Report{}, nil
	w.requests, w.messages, w.freeMsgs, w.used = w.requests[:0], w.messages[:0], w.freeMsgs[:0], 0
	w.links = links{}
	w.trace.reset(o.Trace)
	w.p = draw(&w.random)
	w.ghost.reset(w)
}

// begin starts the nodes, the clients and the nemesis.
func (w *World) begin() {
	for i := range w.nodes {
		w.nodes[i] = newNode(w, i)
		w.nodes[i].start()
	}
	w.tickNext()
	for i := range w.clients {
		w.clients[i].begin(w, i)
	}
	for i := range w.watchers {
		w.watchers[i].begin(w, i)
	}
	w.beginMail()
	w.queue.push(w.random.between(time.Second, 2*w.p.every), evFault, 0, 0)
	w.queue.push(w.p.check, evCheck, 0, 0)
}

// handle lets an event happen. What a process that does not run should do
// waits until it runs again, in order.
func (w *World) handle(e event) {
	if e.kind <= evForward {
		n := w.nodes[e.to]
		if !n.up {
			w.lost(e)
			return
		}
		if n.stopped() {
			w.queue.push(n.thaw, e.kind, int(e.to), e.arg)
			return
		}
		w.process(n, e)
		return
	}
	switch e.kind {
	case evReply:
		w.answered(e.arg)
	case evClient:
		w.clients[e.to].step(w, e.arg)
	case evTimeout:
		w.clients[e.to].timeout(w, e.arg)
	case evWatch:
		w.watchers[e.to].step()
	case evPost, evPostTimeout:
		w.post(e)
	default:
		w.disturb(e)
	}
}

// process lets an event happen to a process that runs.
func (w *World) process(n *node, e event) {
	switch e.kind {
	case evAppend:
		n.onAppend(e.arg)
	case evAck:
		n.onAck(e.arg)
	case evArrive:
		n.arrive(e.arg)
	case evForward:
		n.forwarded(e.arg)
	default:
		if e.arg == n.generation {
			n.timer(e.kind)
		}
	}
}

// lost frees what never arrived.
func (w *World) lost(e event) {
	if e.kind == evAppend || e.kind == evAck {
		w.freeMsgs = append(w.freeMsgs, e.arg)
	}
}

// fail notes the first broken promise; the run ends with it.
func (w *World) fail(format string, args ...any) {
	if w.failure == nil {
		w.failure = &Failure{Seed: w.seed, At: w.now, Promise: fmt.Sprintf(format, args...), Trace: w.trace.lines()}
	}
}

// wall is the true time of day in Unix milliseconds, from which every node's
// wall clock differs.
func (w *World) wall() int64 { return 1_790_000_000_000 + int64(w.now/time.Millisecond) }

func position(e *entry) registry.Position { return registry.Position{Index: e.index, Term: e.term} }
