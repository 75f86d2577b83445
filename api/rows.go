package api

import (
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// rowsList is a page as it was read from the registry. Its memory is used
// again.
type rowsList struct {
	rows     []registry.Row
	next     string // the page goes on after this id; "" where there is no more
	seen     sight
	revision uint64
	text     leaseText
}

var rowsLists = sync.Pool{New: func() any { return new(rowsList) }}

// release gives the memory back without what it refers to.
func (l *rowsList) release() {
	clear(l.rows)
	clear(l.text.spec.Tags)
	clear(l.text.spec.Meta)
	text := leaseText{spec: registry.Spec{Tags: l.text.spec.Tags, Meta: l.text.spec.Meta}}
	*l = rowsList{rows: l.rows[:0], text: text}
	rowsLists.Put(l)
}

// listRows reads a page. It is seen, and its revision is that of its first
// round, so that it is never older than it says.
func (s *Server) listRows(r *request, q registry.Query, l *rowsList) {
	limit := q.Limit
	for round := range aliveRounds {
		var page registry.Page
		s.node.View(func(replica *registry.Replica, mono time.Duration) {
			if round == 0 {
				l.seen, l.revision = sight{replica.Version(), mono}, replica.Revision()
			}
			l.rows, page = replica.Rows(q, mono, l.rows)
		})
		l.next, q.After = page.Next, page.Next
		if q.Limit = limit - len(l.rows); !page.More || q.Limit <= 0 {
			break
		}
	}
	r.reading.revision, r.reading.viewed = l.revision, true
}

// rowsTag returns the ETag of a page of now.
func rowsTag(q *aliveQuery, l *rowsList) string {
	tag := newEtag(pageOf(q.question, q.cursor, q.Limit))
	for i := range l.rows {
		row := &l.rows[i]
		tag.text(row.ID())
		tag.number(row.Epoch)
		tag.number(row.Revision)
		if row.Flapping {
			tag.number(1)
		}
	}
	tag.text(l.next)
	return tag.String()
}
