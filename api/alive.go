package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
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
	if q.past != nil {
		return s.alivePast(r, &q)
	}
	leases, next := s.listAlive(r, q.Query)
	tag := aliveTag(&q, leases, next)
	r.header.Set("Etag", tag)
	if matches(r.http.Header["If-None-Match"], tag) {
		return answer{status: http.StatusNotModified}, nil
	}
	page := wire.AlivePage{Revision: r.reading.revision, Count: len(leases), Alive: leases}
	if next != "" {
		page.NextCursor = cursor{after: next, revision: r.firstRevision(q.cursor)}.encode(q.question)
	}
	if q.fields == nil {
		return answer{status: http.StatusOK, body: page}, nil
	}
	return answer{status: http.StatusOK, body: project(page, q.fields)}, nil
}

// listAlive returns a page and, when there is more, after which id it goes on.
// The revision of the request is that of the first round, so that the page is
// never older than it says.
func (s *Server) listAlive(r *request, q registry.Query) (leases []wire.Lease, next string) {
	leases = []wire.Lease{}
	for range aliveRounds {
		var page registry.Page
		s.view(r, func(replica *registry.Replica, mono time.Duration) {
			q.Now = replica.ClusterNow(mono)
			page = replica.List(q)
			leases = append(leases, s.showPage(page.Leases, replica, mono)...)
		})
		if !page.More {
			return leases, ""
		}
		next = page.Next
		q.After = page.Next
		if q.Limit -= len(page.Leases); q.Limit <= 0 {
			break
		}
	}
	return leases, next
}

// firstRevision is what a cursor remembers: the revision of the first page.
func (r *request) firstRevision(c cursor) uint64 {
	if c.revision != 0 {
		return c.revision
	}
	return r.reading.revision
}

func aliveTag(q *aliveQuery, leases []wire.Lease, next string) string {
	tag := newEtag(page(q.question, q.cursor, q.Limit))
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
