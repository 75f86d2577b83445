package registry

import (
	"slices"
	"strings"
)

// candidatesMax bounds how many leases one page looks at.
const candidatesMax = 20_000

// List answers a query from the smallest index that applies.
func (s *State) List(q Query) Page {
	hash, some := s.postings.smallest(&q)
	if !some {
		return Page{}
	}
	l := listing{state: s, query: &q, budget: candidatesMax}
	l.take = l.copy
	l.walk(hash)
	return l.page
}

// start returns the id from which, or beyond which, a page begins.
func (q *Query) start() (id string, beyond bool) {
	if q.After < q.Prefix {
		return q.Prefix, false
	}
	return q.After, true
}

// smallest returns the hash of that attribute of the query which the fewest
// leases have; false if some attribute has none.
func (x *index) smallest(q *Query) (best uint32, some bool) {
	best = x.hash(byNamespace, q.NS, "", "")
	least := x.counts[best]
	consider := func(h uint32) {
		if n := x.counts[h]; n < least {
			best, least = h, n
		}
	}
	if q.Service != "" {
		consider(x.hash(byService, q.NS, q.Service, ""))
	}
	for _, tag := range q.Tags {
		consider(x.hash(byTag, q.NS, tag, ""))
	}
	for _, p := range q.Meta {
		consider(x.hash(byMeta, q.NS, p.Key, p.Value))
	}
	return best, least > 0
}

// listing is a page in the making.
type listing struct {
	state  *State
	query  *Query
	page   Page
	count  int // of the leases listed
	budget int
	last   string            // id looked at last
	take   func(slot uint32) // puts a lease on the page
	// changed tells whether a lease is not to be listed as it is now; nil: none.
	changed func(ns, id string) bool
}

// walk visits the leases with that hash from where the page begins.
func (l *listing) walk(hash uint32) {
	start, beyond := l.query.start()
	l.state.postings.from(hash, start, beyond, l.visit)
}

// visit takes one candidate and tells whether to go on.
func (l *listing) visit(slot uint32, id string) bool {
	if !strings.HasPrefix(id, l.query.Prefix) {
		return false // ids come in order: no other will have it
	}
	if l.budget == 0 {
		l.stop()
		return false
	}
	l.budget--
	if l.matches(slot) {
		if !l.room() {
			return false
		}
		l.take(slot)
	}
	l.last = id
	return true
}

// stop ends the page before its end is reached.
func (l *listing) stop() { l.page.More, l.page.Next = true, l.last }

// room counts one more lease, unless the page is full, and tells whether to go
// on.
func (l *listing) room() bool {
	if l.count >= l.query.Limit {
		l.stop()
		return false
	}
	l.count++
	return true
}

// copy puts a copy of a lease on the page.
func (l *listing) copy(slot uint32) { l.page.Leases = append(l.page.Leases, l.state.view(slot)) }

func (l *listing) matches(slot uint32) bool {
	q, e := l.query, l.state.leases.at(slot)
	g := l.state.groups.at(e.group)
	if g.ns.name != q.NS || q.Service != "" && g.service != q.Service {
		return false
	}
	if len(q.States) > 0 && !slices.Contains(q.States, e.state) {
		return false
	}
	for _, tag := range q.Tags {
		if !e.packed.has(byTag, tag, "") {
			return false
		}
	}
	for _, p := range q.Meta {
		if !e.packed.has(byMeta, p.Key, p.Value) {
			return false
		}
	}
	id := e.packed.id()
	if q.Flapping != nil && l.state.Flapping(q.NS, id, q.Now) != *q.Flapping {
		return false
	}
	return l.changed == nil || !l.changed(q.NS, id)
}
