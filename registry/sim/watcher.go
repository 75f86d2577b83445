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
	forgotten := v.w.ghost.forgotten(n)
	switch oldest := n.replica.OldestEvent(); {
	case kept != (v.cursor >= forgotten):
		v.w.fail("promise 7: %s is told by %s that the events after %d are kept: %v; forgotten is %d", v.name, n.name, v.cursor, kept, forgotten)
	case oldest != forgotten+1:
		v.w.fail("promise 7: the oldest event of %s is %d; forgotten is %d", n.name, oldest, forgotten)
	case !kept:
		v.anew(n)
	default:
		v.follow(n, events, limit)
	}
}

// follow takes events, of which there must be as many as there can.
func (v *watcher) follow(n *node, events []registry.Event, limit int) {
	there := n.replica.Revision() - min(v.cursor, n.replica.Revision())
	if uint64(len(events)) != min(uint64(limit), there) {
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
	who := v.w.byID(ev.ID)
	switch {
	case ev.Revision != v.cursor+1:
		v.w.fail("promise 7: %s gets event %d of %s after %d", v.name, ev.Revision, n.name, v.cursor)
	case !sameEvent(ev, &v.w.ghost.story.events[ev.Revision-1]):
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
	if v.epochs != v.w.ghost.story.holders[v.cursor] {
		v.w.fail("promise 7: %s lists %v at revision %d, alive were %v", n.name, v.epochs, v.cursor, v.w.ghost.story.holders[v.cursor])
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
	s := &v.w.ghost.story
	revision := uint64(v.w.watching.n(int(n.replica.Revision()) + 1))
	page, kept := n.replica.ListAt(registry.Query{NS: ns, Limit: leases}, revision)
	switch {
	case kept != (revision >= v.w.ghost.forgotten(n)):
		v.w.fail("promise 7: %s says that revision %d is kept: %v; forgotten is %d", n.name, revision, kept, v.w.ghost.forgotten(n))
	case kept && v.listed(page) != s.holders[revision]:
		v.w.fail("promise 7: %s lists %v as of revision %d, alive were %v", n.name, v.listed(page), revision, s.holders[revision])
	}
}

// catchUp follows a node to its end, which is who is alive.
func (v *watcher) catchUp(n *node) {
	for v.w.failure == nil && v.cursor < n.replica.Revision() {
		v.ask(n, 100)
	}
	if alive := v.w.ghost.story.holders[v.cursor]; v.w.failure == nil && v.epochs != alive {
		v.w.fail("promise 7: %s knows of %v, alive are %v", v.name, v.epochs, alive)
	}
}
