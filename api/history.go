package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// history shows what happened to an id, newest first. An id of which nothing is
// known is lease_not_found.
func (s *Server) history(_ context.Context, r *request) (answer, error) {
	limit, err := r.query.limit()
	if err != nil {
		return answer{}, err
	}
	var events []registry.Event
	known := false
	s.view(r, func(replica *registry.Replica, _ time.Duration) {
		events = replica.History(r.ns, r.param, limit)
		_, lives := replica.Lease(r.ns, r.param)
		_, ended := replica.Certificate(r.ns, r.param)
		known = lives || ended || len(events) > 0
	})
	if !known {
		return answer{}, (&refusal{code: registry.NotFound, ns: r.ns, id: r.param}).problem()
	}
	tag := historyTag(question("history").with(r.ns, r.param, strconv.Itoa(limit)), events)
	r.header.Set("Etag", tag)
	if matches(r.http.Header["If-None-Match"], tag) {
		return answer{status: http.StatusNotModified}, nil
	}
	page := wire.HistoryPage{Events: make([]wire.Event, len(events))}
	for i := range events {
		page.Events[i] = showEvent(&events[i])
	}
	return answer{status: http.StatusOK, body: page}, nil
}

// historyTag knows an answer by which events it has: they never change.
func historyTag(asked question, events []registry.Event) string {
	tag := newEtag(asked)
	for i := range events {
		tag.number(events[i].Revision)
	}
	return tag.String()
}
