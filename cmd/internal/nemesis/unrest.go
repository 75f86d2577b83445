//go:build linux

package main

import (
	"context"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// span is a time in which a cluster may judge later than in calm.
type span struct {
	from, to time.Time
	reloaded bool // nodes may have begun anew: then everybody has a fresh TTL
}

// floor is how long after an unrest a lease of TTL t may live.
func (s span) floor(t time.Duration) time.Duration {
	if s.reloaded {
		return t
	}
	return t * 3 / 4
}

// unrest is when the cluster was not calm: faults and what came after them, and
// changes of its leader.
type unrest struct {
	mu    sync.Mutex // guards what follows
	since time.Time  // of the fault that lasts
	spans []span     // in the order of their ends
}

func (u *unrest) begin() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.since = time.Now()
}

func (u *unrest) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.spans = append(u.spans, span{u.since, time.Now(), true})
	u.since = time.Time{}
}

func (u *unrest) between(from, to time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.spans = append(u.spans, span{from, to, false})
}

// bound returns by when a lease of TTL t that was renewed for the last time by
// then has to be dead: t later, or its floor after an unrest that began before
// that was over. False while such an unrest lasts.
func (u *unrest) bound(renewed time.Time, t, slack time.Duration) (time.Time, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	by := renewed.Add(t + slack)
	for again := true; again; {
		again = false
		for _, s := range u.spans {
			if floor := s.to.Add(s.floor(t) + slack); s.to.After(renewed) && s.from.Before(by) && floor.After(by) {
				by, again = floor, true
			}
		}
	}
	return by, u.since.IsZero() || u.since.After(by)
}

// monitor asks every node now and then who leads, and notes changes as unrest.
type monitor struct{ fleet *fleet }

func (m *monitor) run(ctx context.Context) {
	var leader string
	var term uint64
	before := time.Now()
	for at := 0; ctx.Err() == nil; at++ {
		var view wire.Cluster
		a := m.fleet.ask(ctx, m.fleet.nodes[at%len(m.fleet.nodes)], get(wire.PathCluster, 300*time.Millisecond))
		if a.ok() && a.into(&view) == nil && view.Leader != "" && view.Term >= term {
			if term != 0 && (view.Term != term || view.Leader != leader) {
				m.fleet.unrest.between(before, time.Now())
			}
			leader, term, before = view.Leader, view.Term, a.sent
		}
		pass(ctx, 100*time.Millisecond)
	}
}
