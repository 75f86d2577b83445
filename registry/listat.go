package registry

import (
	"cmp"
	"slices"
	"strings"
)

// changedMax bounds how many leases that changed since one page of ListAt
// looks at.
const changedMax = 2000

// ListAt answers a query as of a revision; it is false beyond what is kept. Of
// its leases Seq, Renewals, Missed, RenewedAt and Slot mean nothing and are
// zero; Query.Flapping is not asked. A revision that is not reached yet is the
// present one.
//
// A lease that changed since is taken from its first event after the revision,
// which has it as it was before; any other is as it is now.
func (s *State) ListAt(q Query, revision uint64) (page Page, kept bool) {
	if revision < s.events.dropped.revision {
		return Page{}, false
	}
	q.Flapping = nil
	p := past{listing: listing{state: s, query: &q, budget: candidatesMax}, since: s.events.after(revision)}
	p.listing.changed, p.listing.take = p.has, p.copy
	p.gather()
	if hash, some := s.postings.smallest(&q); some {
		start, beyond := q.start()
		s.postings.from(hash, start, beyond, p.visit)
	}
	p.finish()
	return p.page, true
}

// past is a page of ListAt in the making. What changed since and what did not
// are both in the order of their ids, and are merged.
type past struct {
	listing
	since   int      // index of the first event after the revision
	former  []former // what changed since and is not listed yet
	horizon string   // the last id of former, if there are more; else ""
}

// former is an id with its first event after the revision.
type former struct {
	id    string
	event int
}

// has tells whether an id has an event after the revision.
func (p *past) has(ns, id string) bool {
	g := &p.state.events
	return g.last(g.hash(ns, id), ns, id) >= p.since
}

// gather finds the least ids that a page may have to list from their events.
// It reads all events after the revision, of most only where the last one of
// the same id is.
func (p *past) gather() {
	g := &p.state.events
	for i := p.since; i < g.count; i++ {
		if g.previous(i) >= p.since {
			continue
		}
		h := g.at(i).record.head()
		if h.kind != EventRegistered && p.query.reaches(h.ns, h.id) && (p.horizon == "" || h.id < p.horizon) {
			p.former = append(p.former, former{h.id, i})
		}
		if len(p.former) == 2*changedMax {
			p.narrow()
		}
	}
	p.narrow()
}

// reaches tells whether an id may be on the page that is asked for.
func (q *Query) reaches(ns, id string) bool {
	return ns == q.NS && id > q.After && strings.HasPrefix(id, q.Prefix)
}

// narrow keeps the least ids, in order.
func (p *past) narrow() {
	slices.SortFunc(p.former, func(a, b former) int { return cmp.Compare(a.id, b.id) })
	if len(p.former) > changedMax {
		p.former = p.former[:changedMax]
		p.horizon = p.former[changedMax-1].id
	}
}

// visit takes one lease of the present, after all of the past up to it.
func (p *past) visit(slot uint32, id string) bool {
	return p.upTo(id) && p.listing.visit(slot, id)
}

// upTo lists the former leases up to an id, and tells whether to go on.
func (p *past) upTo(id string) bool {
	for len(p.former) > 0 && p.former[0].id <= id {
		if !p.next() {
			return false
		}
	}
	if p.horizon != "" && len(p.former) == 0 {
		p.stop()
		return false
	}
	return true
}

// next lists the first of the former leases, and tells whether to go on.
func (p *past) next() bool {
	f := p.former[0]
	p.former = p.former[1:]
	ev := p.state.events.event(f.event)
	if p.query.matches(ev.Before) {
		if !p.room() {
			return false
		}
		p.page.Leases = append(p.page.Leases, *ev.Before)
	}
	p.last = f.id
	return true
}

// finish lists the former leases that no present one follows.
func (p *past) finish() {
	for !p.page.More && len(p.former) > 0 && p.next() {
	}
	if !p.page.More && p.horizon != "" {
		p.stop()
	}
	for i := range p.page.Leases {
		l := &p.page.Leases[i]
		l.Seq, l.Renewals, l.Missed, l.RenewedAt, l.Slot = 0, 0, 0, 0, 0
	}
}

// matches tells whether a lease is what the query asks for, whatever its id.
func (q *Query) matches(l *Lease) bool {
	hasTag := func(tag string) bool { return slices.Contains(l.Spec.Tags, tag) }
	hasPair := func(pair Pair) bool { return slices.Contains(l.Spec.Meta, pair) }
	return (q.Service == "" || l.Spec.Service == q.Service) &&
		(len(q.States) == 0 || slices.Contains(q.States, l.State)) &&
		every(q.Tags, hasTag) && every(q.Meta, hasPair)
}

func every[T any](list []T, is func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !is(v) })
}
