package api

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// past is the moment that a question is about: a wall time, or a revision.
type past struct {
	byTime   bool
	at       wire.Time
	revision uint64
}

// futureSlack is by how much a client's clock may be ahead of this node's.
const futureSlack = time.Second

// past returns the moment that is asked about, nil for now.
func (q query) past() (*past, error) {
	text, byTime := q.get(paramAt)
	_, byRevision := q.get(paramAtRevision)
	switch {
	case byTime && byRevision:
		return nil, invalid(paramAt, "at and at_revision are both given: want one of them")
	case byTime:
		p := &past{byTime: true}
		if err := p.at.UnmarshalText([]byte(text)); err != nil {
			return nil, invalid(paramAt, "at %s: want an RFC 3339 time", quote(text))
		}
		return p, nil
	case byRevision:
		revision, err := q.integer(paramAtRevision, 0, wire.Unknown, 0)
		return &past{revision: revision}, err
	}
	return nil, nil
}

// ask adds the moment to a question.
func (p *past) ask(asked question) question {
	if p.byTime {
		return asked.with("at", fmt.Sprint(int64(p.at)))
	}
	return asked.with("revision", fmt.Sprint(p.revision))
}

// alivePast answers who was alive. A cursor goes on at the revision of the
// first page.
func (s *Server) alivePast(r *request, q *aliveQuery) (answer, error) {
	revision := q.cursor.revision
	if q.cursor.after == "" {
		var err error
		if revision, err = s.revisionOf(r, q.past); err != nil {
			return answer{}, err
		}
	}
	leases, next, err := s.listPast(r, q.Query, revision)
	if err != nil {
		return answer{}, err
	}
	tag := aliveTag(q, leases, next)
	r.header.Set("Etag", tag)
	if matches(r.http.Header["If-None-Match"], tag) {
		return answer{status: http.StatusNotModified}, nil
	}
	page := wire.AlivePage{Revision: revision, Count: len(leases), Alive: leases}
	if next != "" {
		page.NextCursor = cursor{after: next, revision: revision}.encode(q.question)
	}
	return answer{status: http.StatusOK, body: projectPast(page, q.fields)}, nil
}

// revisionOf finds the revision of a moment; one that has not come yet is
// waited for where it is a revision, and refused where it is a time.
func (s *Server) revisionOf(r *request, p *past) (revision uint64, err error) {
	if !p.byTime {
		return p.revision, s.awaitRevision(r, p.revision)
	}
	var kept bool
	var last int64
	s.view(r, func(replica *registry.Replica, _ time.Duration) {
		_, last = replica.Now()
		if revision, kept = replica.RevisionAt(int64(p.at)); !kept {
			err = &watch.CompactedError{After: revision, Oldest: replica.OldestEvent()}
		}
	})
	if int64(p.at) > max(last, time.Now().Add(futureSlack).UnixMilli()) {
		return 0, invalid(paramAt, "at is in the future")
	}
	return revision, err
}

// listPast is listAlive as of a revision.
func (s *Server) listPast(r *request, q registry.Query, revision uint64) (leases []wire.Lease, next string, err error) {
	leases = []wire.Lease{}
	for range aliveRounds {
		var page registry.Page
		s.view(r, func(replica *registry.Replica, _ time.Duration) {
			var kept bool
			if page, kept = listAsOf(replica, q, revision); !kept {
				err = &watch.CompactedError{After: revision, Oldest: replica.OldestEvent()}
			}
		})
		if err != nil {
			return nil, "", err
		}
		for i := range page.Leases {
			leases = append(leases, showLease(&page.Leases[i], 0, nil))
		}
		if !page.More {
			return leases, "", nil
		}
		next, q.After = page.Next, page.Next
		if q.Limit -= len(page.Leases); q.Limit <= 0 {
			break
		}
	}
	return leases, next, nil
}

// presentFields are those of a lease that mean nothing as of a moment of the
// past: what renewals change, and hints of the answering node.
var presentFields = []string{"seq", "expires_in_ms", "renewed_at", "renewals", "missed", "late", "flapping", "rtt_ms"}

// pastFields are all others that every lease has.
var pastFields = func() (names []string) {
	for name := range leaseFields {
		if !slices.Contains(presentFields, name) && name != "held_reason" {
			names = append(names, name)
		}
	}
	return names
}()

// projectWhole shows all that a lease of the past has.
func projectWhole(page wire.AlivePage) projected {
	p := project(page, pastFields)
	for i := range page.Alive {
		if reason := page.Alive[i].HeldReason; reason != "" {
			p.Alive[i]["held_reason"] = reason
		}
	}
	return p
}

// projectPast shows those fields that a lease of the past has.
func projectPast(page wire.AlivePage, names []string) any {
	if names == nil {
		return projectWhole(page)
	}
	shown := []string{}
	for _, name := range names {
		if !slices.Contains(presentFields, name) {
			shown = append(shown, name)
		}
	}
	return project(page, shown)
}
