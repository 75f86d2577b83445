package clientsdk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// streams serves requests in this process, answers that never end included,
// so that they work in virtual time. The handler sees the node in r.URL.Host.
type streams func(w http.ResponseWriter, r *http.Request)

func (s streams) RoundTrip(req *http.Request) (*http.Response, error) {
	r, pipe := io.Pipe()
	w := &streamWriter{header: http.Header{}, pipe: pipe, ready: make(chan struct{})}
	go func() {
		s(w, req)
		w.WriteHeader(http.StatusOK)
		_ = pipe.Close()
	}()
	ctx := req.Context()
	stop := context.AfterFunc(ctx, func() { _ = r.CloseWithError(ctx.Err()) })
	select {
	case <-w.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return &http.Response{
		StatusCode: w.status, Header: w.header, Request: req, Body: streamBody{r, stop},
	}, nil
}

type streamWriter struct {
	header http.Header
	status int
	pipe   *io.PipeWriter
	once   sync.Once
	ready  chan struct{}
}

func (w *streamWriter) Header() http.Header { return w.header }

func (w *streamWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status = status
		close(w.ready)
	})
}

func (w *streamWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(b)
}

type streamBody struct {
	*io.PipeReader
	stop func() bool
}

func (b streamBody) Close() error {
	b.stop()
	return b.PipeReader.Close()
}

// refuse answers with a problem.
func refuse(w http.ResponseWriter, code wire.Code) {
	w.Header().Set("Content-Type", wire.TypeProblem)
	w.WriteHeader(code.Status())
	_ = json.NewEncoder(w).Encode(wire.NewProblem(code, "as the test says"))
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", wire.TypeJSON)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// emit writes one event as a node does; a snapshot's part without an id.
func emit(w http.ResponseWriter, kind string, data any) {
	w.Header().Set("Content-Type", wire.TypeEvents)
	body, _ := json.Marshal(data)
	_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", kind, body)
}

func emitEvent(w http.ResponseWriter, revision uint64, kind, id string) {
	emit(w, kind, wire.Event{Revision: revision, Type: kind, ID: id})
}

func emitSnapshot(w http.ResponseWriter, revision uint64, more bool, ids ...string) {
	s := wire.Snapshot{Revision: revision, Type: wire.EventSnapshot, More: more}
	for _, id := range ids {
		s.Leases = append(s.Leases, wire.Lease{ID: id})
	}
	emit(w, wire.EventSnapshot, s)
}

// inBubble runs f in virtual time with a client of two nodes, n1 and n2, that
// the handler is.
func inBubble(t *testing.T, handle streams, f func(t *testing.T, c *Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{Endpoints: []string{"http://n1", "http://n2"}, Transport: handle})
		if err != nil {
			t.Fatal(err)
		}
		c.clock.boot = func() (d time.Duration) { return 0 }
		f(t, c)
		_ = c.Close()
	})
}
