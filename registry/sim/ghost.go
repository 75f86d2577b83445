package sim

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// ns is the namespace of every lease here.
const ns = "default"

// ghost is what a being that sees everything knows: the committed log, every
// lease that ever was, and when what happened. The checkers compare the
// replicas with it.
type ghost struct {
	w         *World
	log       []*entry // committed, in order
	digests   []uint64 // after each entry, by the first replica that applied it
	revisions []uint64
	leases    []lease
	byEpoch   []int32           // index into leases + 1
	holders   [leases]int       // index into leases + 1, by client whose id it is
	keys      map[string]uint64 // epoch of each Idempotency-Key
	served    []int8            // by term: the node + 1 whose Serve took effect
	epoch     uint64            // the greatest
	revision  uint64
	wall      int64
	disturbed time.Duration // no fault is active from then on
	nextBound time.Duration
	newest    uint64 // index that a replica applied first
	story     story
}

// lease is one epoch.
type lease struct {
	client    int
	epoch     uint64
	ttl       time.Duration
	live      bool
	seq       uint64
	renewals  uint64
	asked     uint64        // highest seq that anybody sent
	committed time.Duration // of the grant or the last renewal
	applied   [replicas]moment
	taken     [replicas]struct{ term, seq uint64 } // by each leader's collector
	waited    time.Duration                        // when the judge last saw a renewal wait
}

// moment is when a node did something, and the time that its lease clock had
// not counted by then: at least, and at most.
type moment struct{ at, least, most time.Duration }

func (g *ghost) reset(w *World) {
	keys := g.keys
	clear(keys)
	if keys == nil {
		keys = make(map[string]uint64)
	}
	*g = ghost{
		w: w, log: g.log[:0], digests: g.digests[:0], revisions: g.revisions[:0],
		leases: g.leases[:0], byEpoch: g.byEpoch[:0], keys: keys, served: g.served[:0], story: g.story,
	}
	g.story.reset()
}

// of returns the lease of an epoch, or nil.
func (g *ghost) of(epoch uint64) *lease {
	if epoch >= uint64(len(g.byEpoch)) || g.byEpoch[epoch] == 0 {
		return nil
	}
	return &g.leases[g.byEpoch[epoch]-1]
}

// committed notes that node n knows an entry to be committed.
func (g *ghost) committed(n *node, e *entry) {
	i := int(e.index) - 1
	switch {
	case i < len(g.log):
		if g.log[i] != e {
			g.w.fail("promise 1: %s has another entry at committed index %d (terms %d and %d)", n.name, e.index, e.term, g.log[i].term)
		}
	case i > len(g.log):
		g.w.fail("promise 1: %s commits entry %d after %d", n.name, e.index, len(g.log))
	case i > 0 && g.log[i-1].term > e.term:
		g.w.fail("promise 1: entry %d of term %d follows one of term %d", e.index, e.term, g.log[i-1].term)
	case g.copies(e) <= replicas/2:
		g.w.fail("promise 1: %s takes entry %d for committed, %d nodes hold it", n.name, e.index, g.copies(e))
	default:
		g.log = append(g.log, e)
		e.committed = g.w.now
		g.w.report.Entries++
	}
}

// copies counts the nodes that hold an entry.
func (g *ghost) copies(e *entry) int {
	count := 0
	for _, n := range g.w.nodes {
		if i := int(e.index); i <= len(n.log) && n.log[i-1] == e {
			count++
		}
	}
	return count
}

// applied checks what an entry did on node n. The first replica that applies
// it tells what it did, the others must have done the same.
func (g *ghost) applied(n *node, e *entry, out *registry.Outcome) {
	for uint64(len(g.digests)) < e.index {
		g.digests, g.revisions = append(g.digests, 0), append(g.revisions, 0)
		g.story.forgotten = append(g.story.forgotten, 0)
	}
	digest := n.replica.Digest()
	if e.index > g.newest {
		g.newest = e.index
		g.digests[e.index-1], g.revisions[e.index-1] = digest, n.replica.Revision()
		g.follow(n, e, out)
	} else if g.digests[e.index-1] != digest || g.revisions[e.index-1] != n.replica.Revision() {
		g.w.fail("promise 10: %s differs from the others after entry %d", n.name, e.index)
	}
	if e.committed == 0 {
		g.w.fail("promise 1: %s applies entry %d, which is not committed", n.name, e.index)
	}
	g.noteTimes(n, e, out)
}

// replayed checks that a reload ends where the state was (promise 10).
func (g *ghost) replayed(n *node, e *entry, out *registry.Outcome) {
	if len(out.Events) > 0 {
		g.w.fail("promise 7: %s has replayed entry %d, which made events", n.name, e.index)
	}
	g.noteTimes(n, e, out)
	if e.index == n.replica.Index() {
		g.same(n)
	}
}

func (g *ghost) same(n *node) {
	index := n.replica.Index()
	if index > 0 && (g.digests[index-1] != n.replica.Digest() || g.revisions[index-1] != n.replica.Revision()) {
		g.w.fail("promise 10: %s has reloaded another state at entry %d", n.name, index)
	}
}

// noteTimes notes when this node gave which lease a new deadline.
func (g *ghost) noteTimes(n *node, e *entry, out *registry.Outcome) {
	now := n.moment()
	g.beatsOf(e, out, func(epoch, _ uint64, b *registry.BeatResult) {
		if l := g.of(epoch); l != nil && b.Code == registry.OK {
			l.applied[n.id] = now
		}
	})
	for i := range out.Events {
		if ev := &out.Events[i]; ev.Type == registry.EventRegistered || ev.Type == registry.EventReplaced {
			if l := g.of(ev.Lease.Epoch); l != nil {
				l.applied[n.id] = now
			}
		}
	}
	for i, c := range e.content.Commands {
		if s, ok := c.(*registry.Serve); ok && out.Results[i].Code == registry.OK && e.by == n.id && e.generation == n.generation {
			n.served, n.serving = s.Term, now
		}
	}
}

// beatsOf visits every beat of an entry with its result.
func (g *ghost) beatsOf(e *entry, out *registry.Outcome, visit func(epoch, seq uint64, b *registry.BeatResult)) {
	for i, c := range e.content.Commands {
		switch c := c.(type) {
		case *registry.Renew:
			for j := range c.Beats.Len() {
				epoch, seq := c.Beats.At(j)
				visit(epoch, seq, &out.Results[i].Beats[j])
			}
		case *registry.RenewNamed:
			visit(c.Epoch, c.Seq, &out.Results[i].Beats[0])
		}
	}
}

// loaded notes that a restarted node gave every lease a fresh TTL.
func (g *ghost) loaded(n *node) {
	for i := range g.leases {
		g.leases[i].applied[n.id] = n.moment()
	}
	if n.replica.ReplayFrom() == n.replica.Index() {
		g.same(n)
	}
}

// asks notes that a client sent a beat.
func (g *ghost) asks(epoch, seq uint64) {
	if l := g.of(epoch); l != nil {
		l.asked = max(l.asked, seq)
	}
}

// taken notes that the collector of a leader took a beat.
func (g *ghost) taken(n *node, epoch, seq uint64) {
	l := g.of(epoch)
	if l == nil || n.served != n.office {
		return
	}
	if t := &l.taken[n.id]; t.term != n.office || t.seq < seq {
		t.term, t.seq = n.office, seq
	}
}

func (g *ghost) waited(epoch uint64) {
	if l := g.of(epoch); l != nil {
		l.waited = g.w.now
	}
}

// disturb says that a fault is active until then.
func (g *ghost) disturb(until time.Duration) { g.disturbed = max(g.disturbed, until) }
