package api

import (
	"context"
	"net/http"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// aliveRounds is how often one request asks the registry again for a page that
// came short, because the work for one view is bounded too.
const aliveRounds = 16

// alive answers who is alive.
func (s *Server) alive(_ context.Context, r *request) (answer, error) {
	q, err := r.aliveQuery()
	if err != nil {
		return answer{}, err
	}
	if err := s.awaitRevision(r, q.cursor.revision); err != nil {
		return answer{}, err
	}
	switch {
	case q.past != nil:
		return s.alivePast(r, &q)
	case wantsCBOR(r.http.Header["Accept"]):
		return s.aliveAny(r, &q)
	}
	return s.aliveText(r, &q)
}

// aliveAny answers with a body that is encoded as any other.
func (s *Server) aliveAny(r *request, q *aliveQuery) (answer, error) {
	l := rowsLists.Get().(*rowsList)
	defer l.release()
	s.listRows(r, q.Query, l)
	tag := rowsTag(q, l)
	r.header.Set("Etag", tag)
	if matches(r.http.Header["If-None-Match"], tag) {
		return answer{status: http.StatusNotModified}, nil
	}
	page := wire.AlivePage{Revision: l.revision, Count: len(l.rows), Alive: s.showRows(l.rows)}
	if l.next != "" {
		page.NextCursor = q.next(l)
	}
	if q.fields == nil {
		return answer{status: http.StatusOK, body: page}, nil
	}
	return answer{status: http.StatusOK, body: project(page, q.fields)}, nil
}

// next returns the cursor of the page after one: it remembers the revision of
// the first page.
func (q *aliveQuery) next(l *rowsList) string {
	c := cursor{after: l.next, revision: q.cursor.revision}
	if c.revision == 0 {
		c.revision = l.revision
	}
	return c.encode(q.question)
}

// firstRevision is what a cursor remembers: the revision of the first page.
func (r *request) firstRevision(c cursor) uint64 {
	if c.revision != 0 {
		return c.revision
	}
	return r.reading.revision
}

// aliveTag is the ETag of a page of the past.
func aliveTag(q *aliveQuery, leases []wire.Lease, next string) string {
	tag := newEtag(pageOf(q.question, q.cursor, q.Limit))
	for i := range leases {
		tag.text(leases[i].ID)
		tag.number(leases[i].Epoch)
		tag.number(leases[i].Revision)
		if leases[i].Flapping {
			tag.number(1)
		}
	}
	tag.text(next)
	return tag.String()
}

// projected is an AlivePage whose leases have some of their fields only.
type projected struct {
	Revision   uint64           `json:"revision"`
	Count      int              `json:"count"`
	Alive      []map[string]any `json:"alive"`
	NextCursor string           `json:"next_cursor,omitempty"`
}

func project(page wire.AlivePage, names []string) projected {
	p := projected{page.Revision, page.Count, make([]map[string]any, len(page.Alive)), page.NextCursor}
	for i := range page.Alive {
		p.Alive[i] = make(map[string]any, len(names))
		for _, name := range names {
			p.Alive[i][name] = leaseFields[name](&page.Alive[i])
		}
	}
	return p
}

// leaseFields finds a field of a lease by its name.
var leaseFields = map[string]func(*wire.Lease) any{
	"ns":            func(l *wire.Lease) any { return l.NS },
	"id":            func(l *wire.Lease) any { return l.ID },
	"service":       func(l *wire.Lease) any { return l.Service },
	"address":       func(l *wire.Lease) any { return l.Address },
	"port":          func(l *wire.Lease) any { return l.Port },
	"tags":          func(l *wire.Lease) any { return l.Tags },
	"meta":          func(l *wire.Lease) any { return l.Meta },
	"state":         func(l *wire.Lease) any { return l.State },
	"held_reason":   func(l *wire.Lease) any { return l.HeldReason },
	"epoch":         func(l *wire.Lease) any { return l.Epoch },
	"seq":           func(l *wire.Lease) any { return l.Seq },
	"ttl_ms":        func(l *wire.Lease) any { return l.TTLMS },
	"expires_in_ms": func(l *wire.Lease) any { return l.ExpiresInMS },
	"granted_at":    func(l *wire.Lease) any { return l.GrantedAt },
	"renewed_at":    func(l *wire.Lease) any { return l.RenewedAt },
	"renewals":      func(l *wire.Lease) any { return l.Renewals },
	"missed":        func(l *wire.Lease) any { return l.Missed },
	"late":          func(l *wire.Lease) any { return l.Late },
	"flapping":      func(l *wire.Lease) any { return l.Flapping },
	"rtt_ms":        func(l *wire.Lease) any { return l.RTTMS },
	"revision":      func(l *wire.Lease) any { return l.Revision },
}
