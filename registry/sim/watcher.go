package sim

import (
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// watchers is how many follow the events.
const watchers = 3

// watcher follows the events, as a node serves them to a client: it asks some
// node for what came after its cursor, goes on at another one, and is away for
// longer than events are kept. It must see every event once and in order, or
// be told that it cannot, exactly when it cannot (promise 7).
type watcher struct {
	w      *World
	index  int
	name   string
	node   int
	cursor uint64         // revision up to which it knows everything
	epochs [leases]uint64 // that live as far as it knows, by client whose id it is
}

func (v *watcher) begin(w *World, index int) {
	*v = watcher{w: w, index: index, name: "w" + strconv.Itoa(index), node: w.watching.n(replicas)}
	v.wait()
}

// wait sets the time of the next question: soon as a rule.
func (v *watcher) wait() {
	r := &v.w.watching
	d := r.between(10*time.Millisecond, 3*time.Second)
	if r.p(0.1) {
		d = r.between(3*time.Second, 50*time.Second)
	}
	v.w.queue.push(v.w.now+d, evWatch, v.index, 0)
}

func (v *watcher) step() {
	r := &v.w.watching
	if n := v.w.nodes[v.node]; n.up && !n.stopped() {
		v.ask(n, 1+r.n(30))
		if r.p(0.05) {
			v.remember(n)
		}
	}
	if r.p(0.2) {
		v.node = r.n(replicas)
	}
	v.wait()
}

// ask asks a node for at most limit events.
func (v *watcher) ask(n *node, limit int) {
	events, kept := n.replica.EventsAfter(v.cursor, limit)
	forgotten, oldest := v.w.ghost.story.ends(n)
	switch {
	case kept != (v.cursor >= forgotten):
		v.w.fail("promise 7: %s is told by %s that the events after %d are kept: %v; forgotten is %d", v.name, n.name, v.cursor, kept, forgotten)
	case n.replica.OldestEvent() != oldest:
		v.w.fail("promise 7: the oldest event of %s is %d, want %d", n.name, n.replica.OldestEvent(), oldest)
	case !kept:
		v.anew(n)
	default:
		v.follow(n, events, limit)
	}
}

// follow takes events, of which there must be as many as there can.
func (v *watcher) follow(n *node, events []registry.Event, limit int) {
	s := &v.w.ghost.story
	there := max(0, s.upTo(n.replica.Revision())-s.upTo(v.cursor))
	if len(events) != min(limit, there) {
		v.w.fail("promise 7: %s gets %d events after %d, of %d", v.name, len(events), v.cursor, there)
	}
	for i := range events {
		if v.w.failure != nil {
			return
		}
		v.see(n, &events[i])
	}
}

func (v *watcher) see(n *node, ev *registry.Event) {
	v.w.report.Watched++
	who, s := v.w.byID(ev.ID), &v.w.ghost.story
	next := &s.events[s.upTo(v.cursor)]
	switch {
	case ev.Revision != next.Revision:
		v.w.fail("promise 7: %s gets event %d of %s after %d, want %d", v.name, ev.Revision, n.name, v.cursor, next.Revision)
	case !sameEvent(ev, next):
		v.w.fail("promise 7: %s tells event %d otherwise than it was: %+v", n.name, ev.Revision, *ev)
	case epochOf(ev.Before) != v.epochs[who]:
		v.w.fail("promise 7: before event %d of %s lived epoch %d, %s knows of %d", ev.Revision, ev.ID, epochOf(ev.Before), v.name, v.epochs[who])
	}
	v.cursor, v.epochs[who] = ev.Revision, epochOf(ev.Lease)
}

// anew begins with a snapshot of who is alive.
func (v *watcher) anew(n *node) {
	v.w.report.Compacted++
	v.cursor = n.replica.Revision()
	v.epochs = v.listed(n.replica.List(registry.Query{NS: ns, Limit: leases}))
	if lived := v.w.ghost.story.livedAt(v.cursor); v.epochs != lived {
		v.w.fail("promise 7: %s lists %v at revision %d, alive were %v", n.name, v.epochs, v.cursor, lived)
	}
}

func (v *watcher) listed(page registry.Page) (epochs [leases]uint64) {
	for i := range page.Leases {
		epochs[v.w.byID(page.Leases[i].ID)] = page.Leases[i].Epoch
	}
	return epochs
}

// remember asks a node who was alive at some revision.
func (v *watcher) remember(n *node) {
	forgotten, _ := v.w.ghost.story.ends(n)
	revision := uint64(v.w.watching.n(int(n.replica.Revision()) + 1))
	page, kept := n.replica.ListAt(registry.Query{NS: ns, Limit: leases}, revision)
	lived := v.w.ghost.story.livedAt(revision)
	switch {
	case kept != (revision >= forgotten):
		v.w.fail("promise 7: %s says that revision %d is kept: %v; forgotten is %d", n.name, revision, kept, forgotten)
	case kept && v.listed(page) != lived:
		v.w.fail("promise 7: %s lists %v as of revision %d, alive were %v", n.name, v.listed(page), revision, lived)
	}
}

// catchUp follows a node to its end, which is who is alive.
func (v *watcher) catchUp(n *node) {
	s := &v.w.ghost.story
	for v.w.failure == nil && s.upTo(v.cursor) < s.upTo(n.replica.Revision()) {
		v.ask(n, 100)
	}
	if alive := s.livedAt(v.cursor); v.w.failure == nil && v.epochs != alive {
		v.w.fail("promise 7: %s knows of %v, alive are %v", v.name, v.epochs, alive)
	}
}
