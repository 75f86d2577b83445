package sim

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// follow checks what the commands of an entry did, and keeps the ghost's
// leases in step.
func (g *ghost) follow(n *node, e *entry, out *registry.Outcome) {
	events := out.Events
	request := 0
	g.w.mail.ghost.begin(e)
	g.story.cluster = g.w.mail.ghost.cluster
	for i, c := range e.content.Commands {
		res := &out.Results[i]
		made := countEvents(events, res, c)
		g.command(n, e, c, res, events[:made])
		if _, ok := c.(*registry.Renew); !ok && request < len(e.requests) {
			g.effect(e.requests[request], made)
			request++
		}
		events = events[made:]
	}
	g.w.mail.ghost.done(n, e)
	if len(events) > 0 {
		g.w.fail("promise 10: entry %d made %d events that no command explains", e.index, len(events))
	}
	if out.Revision != g.revision {
		g.w.fail("promise 5: revision %d after an event of %d", out.Revision, g.revision)
	}
	g.story.forget(e.index)
}

// countEvents returns how many of the next events are this command's.
func countEvents(events []registry.Event, res *registry.Result, c registry.Command) int {
	n := 0
	switch c.(type) {
	case *registry.Grant, *registry.Patch, *registry.Leave, *registry.Evict:
		if res.Code == registry.OK && len(events) > 0 && events[0].Revision == res.Revision {
			n = 1
		}
	case *registry.Expire:
		n = res.Buried
	}
	return min(n, len(events))
}

// effect counts that a request changed something: once, or not at all.
func (g *ghost) effect(r uint32, made int) {
	req := &g.w.requests[r]
	req.effects += made
	if req.effects > 1 {
		g.w.fail("promise 2: one request of %s took effect %d times", g.w.clients[req.about].name, req.effects)
	}
}

func (g *ghost) command(n *node, e *entry, c registry.Command, res *registry.Result, events []registry.Event) {
	for i := range events {
		g.event(&events[i])
	}
	switch c := c.(type) {
	case *registry.Renew:
		for j := range c.Beats.Len() {
			epoch, seq := c.Beats.At(j)
			g.beat(e, epoch, seq, &res.Beats[j])
		}
	case *registry.RenewNamed:
		g.beat(e, c.Epoch, c.Seq, &res.Beats[0])
	case *registry.Grant:
		g.grant(e, c, res, events)
	case *registry.Leave:
		g.leave(n, c, res, events)
	case *registry.Evict:
		g.evict(c, events)
	case *registry.Patch:
		if l := g.of(c.Epoch); res.Code == registry.OK && (l == nil || !l.live) {
			g.w.fail("promise 5: a patch of epoch %d, which does not live, took effect", c.Epoch)
		}
	case *registry.Expire:
		g.expire(n, e, c, events)
	case *registry.Serve:
		g.serve(e, c, res)
	case *registry.Check:
		if index, digest := n.replica.LastCheck(); index != e.index || digest == 0 {
			g.w.fail("promise 10: a check at entry %d was noted at %d", e.index, index)
		}
	default:
		g.w.mail.ghost.command(e, c, res)
	}
}

// event checks revision and time of an event.
func (g *ghost) event(ev *registry.Event) {
	g.revision++
	if ev.Revision != g.revision {
		g.w.fail("promise 5: an event has revision %d, want %d", ev.Revision, g.revision)
	}
	if ev.At < g.wall {
		g.w.fail("promise 10: wall stamps went back from %d to %d", g.wall, ev.At)
	}
	g.wall = ev.At
	g.story.tell(g.w, ev)
}

// beat checks the answer to a beat (promises 2 and 6).
func (g *ghost) beat(e *entry, epoch, seq uint64, b *registry.BeatResult) {
	l := g.of(epoch)
	if l == nil || !l.live {
		if b.Code == registry.OK || b.Code == registry.Duplicate || b.Code == registry.StaleSequence {
			g.w.fail("promise 5: a beat of epoch %d, which does not live, was answered with code %d", epoch, b.Code)
		}
		return
	}
	g.w.mail.ghost.pending(l, int(b.Pending))
	want := registry.OK
	switch {
	case seq == l.seq:
		want = registry.Duplicate
	case seq < l.seq:
		want = registry.StaleSequence
	}
	switch {
	case b.Code != want:
		g.w.fail("promise 6: seq %d after %d of epoch %d was answered with code %d, want %d", seq, l.seq, epoch, b.Code, want)
	case seq > l.asked:
		g.w.fail("promise 2: epoch %d was renewed with seq %d, which nobody sent (at most %d)", epoch, seq, l.asked)
	case want == registry.OK:
		g.w.report.Renewals++
		l.seq, l.committed = seq, e.committed
		l.renewals++
	default:
		g.w.report.Duplicates++
	}
}

// grant checks promise 5 and the Idempotency-Key.
func (g *ghost) grant(e *entry, c *registry.Grant, res *registry.Result, events []registry.Event) {
	client := g.w.byID(c.ID)
	holder := g.holders[client]
	switch {
	case res.Code == registry.Duplicate && (holder == 0 || g.leases[holder-1].epoch != res.Lease.Epoch || g.keys[c.Key] != res.Lease.Epoch):
		g.w.fail("promise 2: the grant of key %q was repeated with epoch %d, it was %d", c.Key, res.Lease.Epoch, g.keys[c.Key])
	case res.Code == registry.Taken && holder == 0:
		g.w.fail("promise 5: %s is said to be taken, nobody holds it", c.ID)
	case res.Code != registry.OK:
		return
	case len(events) != 1 || res.Lease.Epoch <= g.epoch:
		g.w.fail("promise 5: epoch %d was granted after %d", res.Lease.Epoch, g.epoch)
		return
	case c.Key != "" && g.keys[c.Key] != 0:
		g.w.fail("promise 2: key %q was granted epoch %d and epoch %d", c.Key, g.keys[c.Key], res.Lease.Epoch)
	case res.Created != (holder == 0):
		g.w.fail("promise 5: %s has two holders", c.ID)
	}
	if holder != 0 {
		g.end(events[0].Certificate, &g.leases[holder-1], registry.CauseReplaced)
	}
	g.admit(e, client, c, res.Lease.Epoch)
	g.w.mail.ghost.pending(g.of(res.Lease.Epoch), res.Pending)
}

func (g *ghost) admit(e *entry, client int, c *registry.Grant, epoch uint64) {
	g.w.report.Grants++
	g.epoch = epoch
	g.leases = append(g.leases, lease{
		client: client, epoch: epoch, ttl: time.Duration(c.TTL) * time.Millisecond, live: true, committed: e.committed,
	})
	for uint64(len(g.byEpoch)) <= epoch {
		g.byEpoch = append(g.byEpoch, 0)
	}
	g.byEpoch[epoch] = int32(len(g.leases))
	g.holders[client] = len(g.leases)
	if c.Key != "" {
		g.keys[c.Key] = epoch
	}
}

// leave checks that only what was named ended.
func (g *ghost) leave(n *node, c *registry.Leave, res *registry.Result, events []registry.Event) {
	l := g.of(c.Epoch)
	if len(events) == 0 {
		if l != nil && l.live && l.client == g.w.byID(c.ID) {
			g.w.fail("promise 2: a leave of epoch %d, which lives, had no effect (code %d)", c.Epoch, res.Code)
		}
		return
	}
	if l == nil || !l.live {
		g.w.fail("promise 5: a leave of epoch %d, which does not live, ended epoch %d", c.Epoch, events[0].Epoch)
		return
	}
	g.w.report.Leaves++
	g.end(events[0].Certificate, l, registry.CauseLeft)
	g.kept(n, l.epoch)
}

// evict checks that the holder of the id ended.
func (g *ghost) evict(c *registry.Evict, events []registry.Event) {
	holder := g.holders[g.w.byID(c.ID)]
	if (holder != 0) != (len(events) == 1) {
		g.w.fail("promise 5: the eviction of %s ended %d leases", c.ID, len(events))
	} else if holder != 0 {
		g.end(events[0].Certificate, &g.leases[holder-1], registry.CauseEvicted)
	}
}

// end checks the certificate of an ended lease and ends the ghost's.
func (g *ghost) end(c *registry.Certificate, l *lease, cause registry.Cause) {
	l.live = false
	g.holders[l.client] = 0
	switch {
	case c == nil:
		g.w.fail("certificate: epoch %d ended without one", l.epoch)
	case c.Epoch != l.epoch || c.Cause != cause || c.LastSeq != l.seq || c.Missed != l.seq-l.renewals ||
		c.ID != g.w.clients[l.client].id || time.Duration(c.TTL)*time.Millisecond != l.ttl:
		g.w.fail("certificate: epoch %d (seq %d, %d renewals, cause %v): %+v", l.epoch, l.seq, l.renewals, cause, *c)
	}
}

// kept checks that the certificate of an epoch can be found.
func (g *ghost) kept(n *node, epoch uint64) {
	if _, ok := n.replica.CertificateOf(epoch); !ok {
		g.w.fail("certificate: that of epoch %d is not kept", epoch)
	}
}

// serve notes who serves in a term.
func (g *ghost) serve(e *entry, c *registry.Serve, res *registry.Result) {
	if (res.Code == registry.OK) != (c.Term == e.term) {
		g.w.fail("rule 3: a Serve of term %d in term %d has code %d", c.Term, e.term, res.Code)
	}
	if res.Code != registry.OK {
		return
	}
	for uint64(len(g.served)) <= e.term {
		g.served = append(g.served, 0)
	}
	g.served[e.term] = int8(e.by + 1)
	g.story.keep = c.Retention
}
