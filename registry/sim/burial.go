package sim

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// slack is what is forgiven for whole milliseconds.
const slack = 2 * time.Millisecond

// fast is how long d takes on the fastest clock.
func fast(d time.Duration) time.Duration { return d - d*(ppm+100)/1_000_000 - slack }

// slow is how long d takes on the slowest clock.
func slow(d time.Duration) time.Duration { return d + d*(ppm+100)/1_000_000 + slack }

// decided checks a decision of the judge of node n by what that node knew
// (promise 3 and rules 3 to 5).
func (g *ghost) decided(n *node, x *registry.Expire) {
	now := g.w.now
	if n.served != x.Term || n.office != x.Term {
		g.w.fail("rule 3: %s judges in term %d; it serves in %d", n.name, x.Term, n.served)
		return
	}
	if n.oldest() > registry.StallAfter+registry.TickEvery {
		g.w.fail("rule 4: %s judges while its oldest proposal waits for %v", n.name, n.oldest())
	}
	for _, b := range x.Burials {
		l := g.of(b.Epoch)
		if l == nil {
			g.w.fail("promise 3: epoch %d is to be buried; it never lived", b.Epoch)
			return
		}
		g.logf("%s would bury epoch %d of %s, seq %d", n.name, b.Epoch, g.w.clients[l.client].name, b.Seq)
		silent, serving := n.ran(l.applied[n.id]), n.ran(n.serving)
		switch t := l.taken[n.id]; {
		case silent < fast(l.ttl):
			g.w.fail("promise 3: epoch %d, TTL %v, is to be buried %v after %s gave it its deadline", b.Epoch, l.ttl, silent, n.name)
		case serving < fast(l.ttl*3/4):
			g.w.fail("promise 3: epoch %d, TTL %v, is to be buried %v after %s began to serve", b.Epoch, l.ttl, serving, n.name)
		case now-n.stallEnd < fast(l.ttl/2) && n.stallEnd > 0:
			g.w.fail("rule 4: epoch %d, TTL %v, is to be buried %v after %s stalled", b.Epoch, l.ttl, now-n.stallEnd, n.name)
		case now-n.stuckEnd < fast(l.ttl/2) && n.stuckEnd > 0:
			g.w.fail("rule 4: epoch %d, TTL %v, is to be buried %v after %s was stuck", b.Epoch, l.ttl, now-n.stuckEnd, n.name)
		case n.leading && n.term == x.Term && t.term == x.Term && t.seq > b.Seq:
			g.w.fail("promise 3: epoch %d is to be buried at seq %d; %s took seq %d", b.Epoch, b.Seq, n.name, t.seq)
		}
	}
}

// ran is how long the process of n ran since then, at most.
func (n *node) ran(since moment) time.Duration { return n.w.now - since.at - (n.least - since.least) }

func (g *ghost) logf(format string, args ...any) { g.w.logf(format, args...) }

// expire checks what a committed Expire buried.
func (g *ghost) expire(n *node, e *entry, x *registry.Expire, events []registry.Event) {
	for i := range events {
		c := events[i].Certificate
		if c == nil {
			g.w.fail("certificate: a burial without one")
			return
		}
		l := g.of(c.Epoch)
		if l == nil || !l.live {
			g.w.fail("promise 5: epoch %d is buried, which does not live", c.Epoch)
			return
		}
		g.w.report.Burials++
		g.judged(e, l, c)
		g.late(l)
		g.falseDeath(l)
		g.end(c, l, registry.CauseExpired)
		g.kept(n, l.epoch)
	}
	for _, b := range x.Burials {
		if l := g.of(b.Epoch); l != nil && !l.live && l.seq != b.Seq && buriedBy(events, b.Epoch) {
			g.w.fail("promise 3: epoch %d is buried at seq %d, it was renewed with %d", b.Epoch, b.Seq, l.seq)
		}
	}
}

func buriedBy(events []registry.Event, epoch uint64) bool {
	for i := range events {
		if events[i].Epoch == epoch {
			return true
		}
	}
	return false
}

// judged checks who buried, when, and what the certificate says of it.
func (g *ghost) judged(e *entry, l *lease, c *registry.Certificate) {
	silent := e.decided - l.committed
	age := time.Duration(c.LastRenewalAgeMS) * time.Millisecond
	switch {
	case e.term >= uint64(len(g.served)) || g.served[e.term] != int8(e.by+1):
		g.w.fail("rule 3: epoch %d is buried in term %d by a node that does not serve in it", l.epoch, e.term)
	case silent < fast(l.ttl):
		g.w.fail("promise 3: epoch %d, TTL %v, is buried %v after its last renewal", l.epoch, l.ttl, silent)
	case c.Judge != g.w.nodes[e.by].name || c.Term != e.term:
		g.w.fail("certificate: judge %s, term %d, want %s, %d", c.Judge, c.Term, g.w.nodes[e.by].name, e.term)
	case age < l.ttl || age > slow(silent):
		g.w.fail("certificate: epoch %d was silent for %v, it says %v (TTL %v)", l.epoch, silent, age, l.ttl)
	case age-l.ttl != time.Duration(c.OverdueMS)*time.Millisecond:
		g.w.fail("certificate: overdue %d ms, age %v, TTL %v", c.OverdueMS, age, l.ttl)
	}
}

// lateness is what promise 4 allows beyond the bound.
const lateness = 250 * time.Millisecond

// boundEvery is how often living leases are checked for being overdue.
const boundEvery = 100 * time.Millisecond

// believed is how long a judge that was disturbed is not believed yet.
const believed = 300 * time.Millisecond

// server returns the node that serves without a rival and has applied all that
// anybody has, or nil.
func (g *ghost) server() *node {
	var s *node
	for _, n := range g.w.nodes {
		if !n.up || n.office == 0 || n.stopped() {
			continue
		}
		if s != nil {
			return nil
		}
		s = n
	}
	if s == nil || !s.leading || s.office != s.term || s.served != s.office || s.applied < g.newest {
		return nil
	}
	return s
}

// bound returns the latest moment at which a silent lease must be dead while
// s serves and nothing disturbs it (promise 4).
func (g *ghost) bound(s *node, l *lease) time.Duration {
	at := l.applied[s.id]
	b := max(
		at.at+slow(l.ttl)+s.most-at.most,
		s.serving.at+slow(l.ttl*3/4)+s.most-s.serving.most,
		g.disturbed+slow(l.ttl/2)+believed,
		s.stuckEnd+slow(l.ttl/2),
	)
	if l.waited > 0 {
		b = max(b, l.waited+slow(l.ttl/2))
	}
	return b + lateness
}

// late checks a burial against its bound.
func (g *ghost) late(l *lease) {
	if s := g.server(); s != nil && g.w.now > g.disturbed {
		g.check(s, l)
	}
}

func (g *ghost) check(s *node, l *lease) {
	g.w.report.Bounded++
	if b := g.bound(s, l); g.w.now > b {
		g.w.fail("promise 4: epoch %d of %s, TTL %v, is late by %v under %s (renewed at %v, serving since %v, disturbed until %v)",
			l.epoch, g.w.clients[l.client].name, l.ttl, g.w.now-b+lateness, s.name, l.applied[s.id].at, s.serving.at, g.disturbed)
	}
}

// bounds checks all that live, now and then.
func (g *ghost) bounds(n *node) {
	if g.server() != n || g.w.now <= g.disturbed {
		return
	}
	g.nextBound = g.w.now + boundEvery
	for _, i := range g.holders {
		if i != 0 {
			g.check(n, &g.leases[i-1])
		}
	}
}

// falseDeath checks that nobody who renews steadily dies in calm.
func (g *ghost) falseDeath(l *lease) {
	c := &g.w.clients[l.client]
	if g.w.p.loss == 0 && c.steady(l) && g.w.now-g.disturbed > l.ttl+5*time.Second && l.ttl >= 2*time.Second {
		g.w.fail("promise 3: %s renews epoch %d steadily, nothing was wrong, and it is buried", c.name, l.epoch)
	}
}
