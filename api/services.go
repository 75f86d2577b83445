package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// services counts the leases of each service.
func (s *Server) services(_ context.Context, r *request) (answer, error) {
	limit, err := r.query.limit()
	if err != nil {
		return answer{}, err
	}
	asked := question("services").with(r.ns)
	from, err := r.query.cursor(asked)
	if err != nil {
		return answer{}, err
	}
	if err := s.awaitRevision(r, from.revision); err != nil {
		return answer{}, err
	}
	counts, more := s.countServices(r, from.after, limit)
	tag := servicesTag(pageOf(asked, from, limit), counts, more)
	r.header.Set("Etag", tag)
	if matches(r.http.Header["If-None-Match"], tag) {
		return answer{status: http.StatusNotModified}, nil
	}
	body := wire.ServicesPage{Services: showServices(counts)}
	if more {
		body.NextCursor = cursor{after: counts[len(counts)-1].Service, revision: r.firstRevision(from)}.encode(asked)
	}
	return answer{status: http.StatusOK, body: body}, nil
}

// countServices returns the services after a name, and whether there are more.
func (s *Server) countServices(r *request, after string, limit int) (counts []registry.ServiceCount, more bool) {
	s.view(r, func(replica *registry.Replica, _ time.Duration) { counts = replica.Services(r.ns) })
	i, found := slices.BinarySearchFunc(counts, after, func(c registry.ServiceCount, name string) int {
		return strings.Compare(c.Service, name)
	})
	if found && after != "" {
		i++
	}
	counts = counts[i:]
	return counts[:min(limit, len(counts))], len(counts) > limit
}

func servicesTag(asked question, counts []registry.ServiceCount, more bool) string {
	tag := newEtag(asked)
	for _, c := range counts {
		tag.text(c.Service)
		tag.number(c.Revision)
	}
	if more {
		tag.number(1)
	}
	return tag.String()
}

func showServices(counts []registry.ServiceCount) []wire.Service {
	shown := make([]wire.Service, len(counts))
	for i, c := range counts {
		shown[i] = wire.Service{
			Service: c.Service, Alive: c.Alive, Draining: c.Draining, Held: c.Held, Revision: c.Revision,
		}
	}
	return shown
}
