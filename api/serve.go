package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// writeWithin is how long a write, or a read that must ask the leader, may
// take: the contract's 2 s, less what the answer needs to travel.
const writeWithin = 1900 * time.Millisecond

var noSniff = []string{"nosniff"}

// enter is where every request comes in: it gets what every answer carries,
// passes the gate and goes to the router.
func (s *Server) enter(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h[wire.HeaderNode] = s.nodeHeader
	h[wire.HeaderRequestID] = []string{s.ids.of(r)}
	h["X-Content-Type-Options"] = noSniff
	if problem := s.gate.refuse(r); problem != nil {
		s.refuse(w, r, problem)
		return
	}
	keepEscapes(r.URL)
	s.handler.ServeHTTP(w, r)
}

// serve answers a request that a route was found for.
func (s *Server) serve(ep *endpoint, w http.ResponseWriter, hr *http.Request, in escaped) {
	r := requests.Get().(*request)
	r.http, r.writer, r.header, r.route, r.start = hr, w, w.Header(), ep, time.Now()
	s.metrics.inFlight.Inc()
	status := http.StatusInternalServerError
	var loop *beatLoop // that goes on
	defer func() {
		s.metrics.inFlight.Dec()
		ep.observe(status, time.Since(r.start))
		s.pages.release(r.page)
		r.release()
		if loop != nil {
			go loop.run()
		}
	}()
	a, err := s.guarded(r, in)
	if ep.Kind == Read {
		s.describeView(r)
	}
	if err == nil {
		err = s.encode(r, &a)
	}
	if err != nil {
		status = s.answerProblem(w, hr, s.problemOf(err, askedBy(hr, w.Header())))
		return
	}
	status = a.status
	if loop = s.comeBack(r, &a); loop == nil {
		s.send(w, r, a)
	}
}

// guarded runs the handler; a panic becomes an error.
func (s *Server) guarded(r *request, in escaped) (a answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if err := r.takePath(in); err != nil {
		return answer{}, err
	}
	if err := r.prepare(s.limits); err != nil {
		return answer{}, err
	}
	if r.route.Kind == Read {
		if err := s.prepareReading(r); err != nil {
			return answer{}, err
		}
		return r.route.handle(s, r.http.Context(), r)
	}
	if r.route.Renews || r.route.Upload {
		return r.route.handle(s, r.http.Context(), r)
	}
	ctx, cancel := context.WithTimeout(r.http.Context(), writeWithin)
	defer cancel()
	return r.route.handle(s, ctx, r)
}

// serveNone answers what no route was found for.
func (s *Server) serveNone(w http.ResponseWriter, r *http.Request, methodNotAllowed bool, allow string) {
	if !methodNotAllowed {
		s.refuse(w, r, nothingHere(r.URL.RawPath))
		return
	}
	w.Header().Set("Allow", allow)
	s.refuse(w, r, wire.NewProblem(wire.CodeMethodNotAllowed, r.Method+" is not allowed here: want one of "+allow))
}

// refuse answers a request that did not come as far as a route.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	start := time.Now()
	status := s.answerProblem(w, r, s.problemOf(err, askedBy(r, w.Header())))
	s.none.observe(status, time.Since(start))
}

// noQuorum says what a client must make of a request that no quorum answered.
func noQuorum(method string) string {
	if method == http.MethodGet || method == http.MethodHead {
		return "no quorum answered in time"
	}
	return "no quorum answered in time, so this may or may not have taken effect"
}

// asked says which request a problem answers.
type asked struct {
	requestID, method, path string
}

func askedBy(r *http.Request, h http.Header) asked {
	return asked{h.Get(wire.HeaderRequestID), r.Method, r.URL.EscapedPath()}
}

// problemOf says in the contract's words what went wrong.
func (s *Server) problemOf(err error, by asked) *wire.Problem {
	var p *wire.Problem
	var c *watch.CompactedError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &c):
		return compacted(c)
	case errors.Is(err, ErrOverloaded):
		return wire.NewProblem(wire.CodeOverloaded, err.Error())
	case errors.Is(err, ErrTooStale):
		return wire.NewProblem(wire.CodeTooStale, err.Error())
	case errors.Is(err, ErrUnknownNode):
		return wire.NewProblem(wire.CodeNotFound, err.Error())
	case errors.Is(err, ErrRefused):
		return invalid("id", "%v", err)
	case errors.Is(err, ErrNoLeader), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return wire.NewProblem(wire.CodeNoLeader, noQuorum(by.method)+": "+err.Error())
	}
	s.log.Error("request failed", "request_id", by.requestID, "method", by.method, "path", by.path, "error", err)
	return wire.NewProblem(wire.CodeInternal, "the node failed; its log has why under this answer's "+wire.HeaderRequestID)
}
