package api

import (
	"bytes"
	"context"
	"io"
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

// exchange measures what this package adds to package http for one request.
func exchange(b *testing.B, method, path string, body []byte) {
	b.Helper()
	s, err := New(Config{Node: instant{}})
	if err != nil {
		b.Fatal(err)
	}
	handler := s.Handler()
	reader := &rewinding{}
	req, err := http.NewRequest(method, "http://127.0.0.1:7700"+path, io.NopCloser(reader))
	if err != nil {
		b.Fatal(err)
	}
	req.Body, req.ContentLength = reader, int64(len(body))
	req.Header.Set("Content-Type", wire.TypeJSON)
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		clear(w.header)
		w.status = http.StatusOK
		req.URL.RawPath = ""
		handler.ServeHTTP(w, req)
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}

func BenchmarkHeartbeat(b *testing.B) {
	exchange(b, "POST", "/v1/leases/web-000001/heartbeat", []byte(`{"epoch":1700000000000,"seq":17}`))
}

func BenchmarkHeartbeatWithRTT(b *testing.B) {
	exchange(b, "POST", "/v1/leases/web-000001/heartbeat", []byte(`{"epoch":1700000000000,"seq":17,"rtt_ms":1.25}`))
}

func BenchmarkHeartbeats1000(b *testing.B) {
	exchange(b, "POST", "/v1/heartbeats", batchBody(1000))
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "beats/s")
}
