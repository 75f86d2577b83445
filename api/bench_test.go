package api

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// instant is a node that commits at once and never refuses.
type instant struct{ Node }

func (instant) ID() string { return "n1" }

func (i instant) BeatLater(ns, id string, epoch, seq uint64, w BeatWaiter, token uint64) {
	r, revision, err := i.Beat(context.Background(), ns, id, epoch, seq)
	w.BeatDone(token, r, revision, err)
}

func (instant) Beat(context.Context, string, string, uint64, uint64) (registry.BeatResult, uint64, error) {
	return registry.BeatResult{TTL: 10_000, RemainingMS: 10_000}, 1_700_000_000_000, nil
}

func (instant) Beats(_ context.Context, _ string, beats registry.Beats) ([]registry.BeatResult, uint64, error) {
	return make([]registry.BeatResult, beats.Len()), 1_700_000_000_000, nil
}

func (instant) View(func(*registry.Replica, time.Duration)) {}

// sink is a ResponseWriter that keeps its header map.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

type rewinding struct{ bytes.Reader }

func (*rewinding) Close() error { return nil }

// inquiry is a request that a benchmark asks again and again.
type inquiry struct {
	method, path string
	media        string // of the body; "" means JSON
	accept       string
	body         []byte
}

// asker asks one question without a connection: what it takes is what this
// package adds to package http.
type asker struct {
	handler http.Handler
	request *http.Request
	body    []byte
	reader  rewinding
	answer  sink
}

func newAsker(t testing.TB, node Node, q inquiry) *asker {
	t.Helper()
	s, err := New(Config{Node: node})
	if err != nil {
		t.Fatal(err)
	}
	a := &asker{handler: s.Handler(), body: q.body, answer: sink{header: http.Header{}}}
	if a.request, err = http.NewRequest(q.method, "http://127.0.0.1:7700"+q.path, http.NoBody); err != nil {
		t.Fatal(err)
	}
	if q.body != nil {
		a.request.Body, a.request.ContentLength = &a.reader, int64(len(q.body))
		a.request.Header.Set("Content-Type", cmp.Or(q.media, wire.TypeJSON))
	}
	if q.accept != "" {
		a.request.Header.Set("Accept", q.accept)
	}
	return a
}

// ask returns the status of the answer.
func (a *asker) ask() int {
	a.reader.Reset(a.body)
	clear(a.answer.header)
	a.answer.status = http.StatusOK
	a.request.URL.RawPath = ""
	a.handler.ServeHTTP(&a.answer, a.request)
	return a.answer.status
}

// exchange measures one question.
func exchange(b *testing.B, node Node, q inquiry) {
	b.Helper()
	a := newAsker(b, node, q)
	b.ReportAllocs()
	for b.Loop() {
		if status := a.ask(); status != http.StatusOK {
			b.Fatal(status)
		}
	}
}

// perEach reports what one of n things in an operation took.
func perEach(b *testing.B, n int, name string) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/"+name)
}
