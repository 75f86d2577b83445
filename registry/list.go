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
	start, beyond := q.After, true
	if start < q.Prefix {
		start, beyond = q.Prefix, false
	}
	s.postings.from(hash, start, beyond, l.visit)
	return l.page
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
	budget int
	last   string // id looked at last
}

// visit takes one candidate and tells whether to go on.
func (l *listing) visit(slot uint32, id string) bool {
	if !strings.HasPrefix(id, l.query.Prefix) {
		return false // ids come in order: no other will have it
	}
	if l.budget == 0 {
		l.page.More, l.page.Next = true, l.last
		return false
	}
	l.budget--
	if l.matches(slot) {
		if len(l.page.Leases) >= l.query.Limit {
			l.page.More, l.page.Next = true, l.last
			return false
		}
		l.page.Leases = append(l.page.Leases, l.state.view(slot))
	}
	l.last = id
	return true
}

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
	return true
}
