package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// end makes a tombstone of a letter.
func (g *mailGhost) end(e *entry, b *letterbox, l *letter, state registry.MessageState) {
	l.state, l.until = state, g.cluster
	if l.over == 0 || state == registry.MessageExpired {
		l.over = e.index
	}
	b.tombs = append(b.tombs, l)
	if len(b.tombs) > int(mailLimits.Tombstones) {
		b.forget()
	}
}

// forget drops the oldest tombstone.
func (b *letterbox) forget() {
	b.tombs[0].kept = false
	b.tombs = b.tombs[1:]
}

func (g *mailGhost) expire(e *entry, b *letterbox, l *letter) {
	g.change(b)
	g.w.report.Expired++
	if lived := e.proposed - l.stamped; l.state == registry.MessagePending && lived < fast(time.Duration(l.ttl)*time.Millisecond) {
		g.w.fail("promise 8: message %d expired after %v, it was given %d ms", l.offset, lived, l.ttl)
	}
	g.end(e, b, l, registry.MessageExpired)
}

// age does what time does, after the commands of an entry.
func (g *mailGhost) age(e *entry) {
	for b, l := g.overdue(); l != nil; b, l = g.overdue() {
		g.expire(e, b, l)
	}
	idle := 0
	for i := range g.boxes {
		b := &g.boxes[i]
		for len(b.tombs) > 0 && g.cluster-b.tombs[0].until > mailLimits.TombstoneMS {
			b.forget()
		}
		if b.idle() {
			idle++
		}
	}
	if idle > int(mailLimits.Idle) {
		g.close()
	}
}

func (b *letterbox) idle() bool {
	return b.open && !slices.ContainsFunc(b.all, func(l *letter) bool { return l.kept })
}

// close forgets the mailbox that has been idle for longest, and with it what
// was dropped from it.
func (g *mailGhost) close() {
	b := slices.MinFunc(g.pointers(), func(x, y *letterbox) int { return cmp.Compare(x.changed, y.changed) })
	g.floor = max(g.floor, b.last)
	*b = letterbox{}
	g.w.report.Forgotten++
}

func (g *mailGhost) pointers() (list []*letterbox) {
	for i := range g.boxes {
		list = append(list, &g.boxes[i])
	}
	return list
}

// overdue returns the letter that expires next, if its time has come.
func (g *mailGhost) overdue() (of *letterbox, first *letter) {
	for i := range g.boxes {
		b := &g.boxes[i]
		for _, l := range b.all {
			live := l.kept && (l.state == registry.MessagePending || l.state == registry.MessageDead)
			if live && l.until <= g.cluster && (first == nil || sooner(b, l, of, first)) {
				of, first = b, l
			}
		}
	}
	return of, first
}

func sooner(b *letterbox, l *letter, c *letterbox, m *letter) bool {
	return cmp.Or(cmp.Compare(l.until, m.until), cmp.Compare(b.made, c.made), cmp.Compare(l.offset, m.offset)) < 0
}
