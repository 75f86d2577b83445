package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/docs"
)

const typeText = "text/plain; charset=utf-8"

// text answers people.
func text(format string, args ...any) answer {
	return answer{status: http.StatusOK, raw: fmt.Appendf(nil, format, args...), media: typeText}
}

// healthz says that the process answers.
func (s *Server) healthz(context.Context, *request) (answer, error) { return text("ok\n"), nil }

// readyz says whether this node can take part, and why not.
func (s *Server) readyz(context.Context, *request) (answer, error) {
	status := s.node.Status()
	switch {
	case status.Ready == nil:
		return text("ready\n"), nil
	case status.Leader == "":
		return answer{}, wire.NewProblem(wire.CodeNoLeader, status.Ready.Error())
	default:
		return answer{}, wire.NewProblem(wire.CodeTooStale, status.Ready.Error())
	}
}

// metricsPage shows the registry that was handed in.
func (s *Server) metricsPage(_ context.Context, r *request) (answer, error) {
	w := pageWriter{header: r.header, status: http.StatusOK}
	s.scrape.ServeHTTP(&w, r.http)
	return answer{status: w.status, raw: w.body.Bytes(), media: r.header.Get("Content-Type")}, nil
}

// pageWriter holds what another package's handler writes.
type pageWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (p *pageWriter) Header() http.Header         { return p.header }
func (p *pageWriter) WriteHeader(status int)      { p.status = status }
func (p *pageWriter) Write(b []byte) (int, error) { return p.body.Write(b) }

// openapi serves the document that describes all this.
func (s *Server) openapi(context.Context, *request) (answer, error) {
	return answer{status: http.StatusOK, raw: docs.OpenAPI, media: "application/yaml"}, nil
}

// welcome tells a person who came by what this is.
func (s *Server) welcome(context.Context, *request) (answer, error) {
	return text(`rollcall %s, node %s: who is alive, and who only was.

  GET /v1/alive       who is alive
  GET /v1/services    how many of each service
  GET /v1/watch       what happens (try curl -N -H 'Accept: text/event-stream')
  GET /v1/cluster     the nodes of this cluster
  GET /readyz         whether this node is ready
  GET /metrics        for Prometheus
  GET /openapi.yaml   all of the API
`, s.version, s.node.ID()), nil
}
