package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// watching is one watch: what opens it, then its place in the events.
type watching struct {
	server *Server
	*watch.Subscription
	snapshot *snapshot // nil where a revision was named
	part     wire.Snapshot
	events   []watch.Event // read when it was opened
	upTo     uint64        // everything up to it was looked at
}

// watch answers what happens from now on, or from a revision on.
func (s *Server) watch(ctx context.Context, r *request) (answer, error) {
	q, err := r.watchQuery()
	if err != nil {
		return answer{}, err
	}
	if err := s.awaitRevision(r, q.after); err != nil {
		return answer{}, err
	}
	streamed := preferred(r.http.Header["Accept"], wire.TypeEvents, wire.TypeJSON, wire.TypeCBOR) == wire.TypeEvents
	most := watchPage
	if streamed {
		most = streamPage
	}
	w, err := s.openWatch(r, &q, most)
	if err != nil {
		return answer{}, err
	}
	switch {
	case !streamed:
		return s.poll(ctx, r, w, q.wait)
	case r.http.Method == http.MethodHead:
		w.close()
		return answer{status: http.StatusOK, media: wire.TypeEvents}, nil
	}
	return answer{status: http.StatusOK, stream: func(rw http.ResponseWriter) { s.stream(rw, r, w) }}, nil
}

// openWatch begins a watch, or says why it cannot begin; its owner closes it.
func (s *Server) openWatch(r *request, q *watchQuery, most int) (w *watching, err error) {
	if err := s.streams.enter(); err != nil {
		return nil, err
	}
	w = &watching{server: s, upTo: q.after}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if q.snapshot {
		w.snapshot, w.part = s.firstPart(r, q.Filter)
		w.upTo = w.snapshot.revision
	}
	if w.Subscription, err = s.node.Hub().Subscribe(q.Filter, w.upTo); err != nil {
		return w, fmt.Errorf("%w: %w", ErrOverloaded, err)
	}
	if !q.snapshot {
		err = w.read(most)
	}
	s.metrics.watches.Inc()
	return w, err
}

// read takes the next events, of which there may be none.
func (w *watching) read(most int) (err error) {
	w.events, w.upTo, err = w.Next(most)
	return err
}

func (w *watching) close() {
	if w.Subscription != nil {
		w.Subscription.Close()
		w.server.metrics.watches.Dec()
	}
	w.server.streams.leave()
}

// compacted says that events were asked for that are no longer kept.
func compacted(err *watch.CompactedError) *wire.Problem {
	p := wire.NewProblem(wire.CodeCompacted, fmt.Sprintf("not all is kept of what came after revision %d: begin anew without a revision", err.After))
	p.OldestRevision = err.Oldest
	return p
}

// asCompacted finds a CompactedError.
func asCompacted(err error) (*watch.CompactedError, bool) {
	var c *watch.CompactedError
	return c, errors.As(err, &c)
}
