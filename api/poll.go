package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// watchPage is how many events an answer to a long poll may hold.
const watchPage = wire.MaxLimit

// eventPage is a wire.EventPage whose events are encoded already, or hold a
// snapshot.
type eventPage struct {
	Events []any  `json:"events"`
	Next   uint64 `json:"next"`
}

// poll answers with the next events of a watch, when there are some or the wait
// is over. It closes the watch, but for a snapshot of more than one part, which
// is sent part by part.
func (s *Server) poll(ctx context.Context, r *request, w *watching, wait time.Duration) (answer, error) {
	if w.snapshot != nil && w.part.More && r.http.Method != http.MethodHead {
		return answer{status: http.StatusOK, stream: func(rw http.ResponseWriter) { s.pollSnapshot(rw, r, w) }}, nil
	}
	defer w.close()
	if w.snapshot != nil {
		return answer{status: http.StatusOK, body: eventPage{[]any{w.part}, w.upTo}}, nil
	}
	if r.http.Method == http.MethodHead {
		wait = 0
	}
	if err := w.await(ctx, r, wait); err != nil {
		return answer{}, err
	}
	s.metrics.events.Add(float64(len(w.events)))
	page := eventPage{showEvents(w.events, wantsCBOR(r.http.Header["Accept"])), w.upTo}
	return answer{status: http.StatusOK, body: page}, nil
}

// await reads until there are events, or the wait is over.
func (w *watching) await(ctx context.Context, r *request, wait time.Duration) error {
	if len(w.events) > 0 || wait == 0 {
		return nil
	}
	r.extend(wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for over := false; len(w.events) == 0 && !over; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.server.streams.done:
			over = true
		case <-timer.C:
			over = true
		case <-w.Wait():
		}
		if err := w.read(watchPage); err != nil {
			return err
		}
	}
	return nil
}

func showEvents(events []watch.Event, asCBOR bool) []any {
	shown := make([]any, len(events))
	for i := range events {
		if asCBOR {
			shown[i] = showWatched(&events[i])
		} else {
			shown[i] = json.RawMessage(events[i].Raw)
		}
	}
	return shown
}
