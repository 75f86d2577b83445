package loadgen

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"go.uber.org/goleak"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeCluster keeps leases by epoch as the contract says, as far as the driver
// can see.
type fakeCluster struct {
	mu       sync.Mutex
	epochs   uint64
	seqs     map[uint64]uint64 // by live epoch
	renewals int64
	hosts    map[string]int // requests by Host
	media    map[string]int // batches by media type
	sizes    map[int]int    // batches by beats
	refuse   func(r *http.Request) *wire.Problem
}

func newFakeCluster() *fakeCluster {
	return &fakeCluster{
		seqs: make(map[uint64]uint64), hosts: make(map[string]int), media: make(map[string]int), sizes: make(map[int]int),
	}
}

func (f *fakeCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == wire.PathMetrics {
		(&fakeMetrics{values: someMetrics()}).ServeHTTP(w, r)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hosts[r.Host]++
	if f.refuse != nil {
		if p := f.refuse(r); p != nil {
			answer(w, p.Status, p)
			return
		}
	}
	switch {
	case r.Method == "PUT":
		f.epochs++
		f.seqs[f.epochs] = 0
		answer(w, 201, wire.Grant{Epoch: f.epochs})
	case r.Method == "DELETE":
		var epoch uint64
		_ = json.Unmarshal([]byte(r.URL.Query().Get("epoch")), &epoch)
		delete(f.seqs, epoch)
		answer(w, 200, wire.Certificate{})
	case r.URL.Path == wire.PathHeartbeats:
		f.batch(w, r)
	default:
		f.beat(w, r)
	}
}

func (f *fakeCluster) beat(w http.ResponseWriter, r *http.Request) {
	var b wire.Heartbeat
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
		answer(w, 400, wire.Problem{Code: wire.CodeInvalidRequest})
		return
	}
	seq, ok := f.seqs[b.Epoch]
	if !ok {
		answer(w, 410, wire.Problem{Code: wire.CodeLeaseEnded})
		return
	}
	f.renew(b.Epoch, b.Seq)
	answer(w, 200, wire.Renewed{Epoch: b.Epoch, Seq: b.Seq, Duplicate: seq == b.Seq})
}

func (f *fakeCluster) renew(epoch, seq uint64) {
	if seq > f.seqs[epoch] {
		f.seqs[epoch] = seq
		f.renewals++
	}
}

func (f *fakeCluster) batch(w http.ResponseWriter, r *http.Request) {
	var h wire.Heartbeats
	body, _ := io.ReadAll(r.Body)
	media := r.Header.Get("Content-Type")
	switch media {
	case wire.TypeBeats:
		for b := body; len(b) > 0; b = b[16:] {
			h.Beats = append(h.Beats, [2]uint64{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])})
		}
	case wire.TypeCBOR:
		_ = cbor.Unmarshal(body, &h)
	default:
		_ = json.Unmarshal(body, &h)
	}
	f.media[media]++
	f.sizes[len(h.Beats)]++
	result := wire.HeartbeatsResult{Rejected: []wire.RejectedBeat{}}
	for _, b := range h.Beats {
		if _, ok := f.seqs[b[0]]; !ok {
			result.Rejected = append(result.Rejected, wire.RejectedBeat{Epoch: b[0], Seq: b[1], Code: wire.CodeLeaseEnded})
			continue
		}
		f.renew(b[0], b[1])
		result.Accepted++
	}
	answer(w, 200, result)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", wire.TypeJSON)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func serve(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func TestSingleRunRenewsAndCleansUp(t *testing.T) {
	cluster := newFakeCluster()
	endpoints := []string{serve(t, cluster), serve(t, cluster)}
	got, err := Run(t.Context(), Config{Endpoints: endpoints, Leases: 50, Workers: 4, Duration: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if got.Grants != 50 || got.Errors != 0 || got.GrantErrors != 0 || got.LeasesLost != 0 {
		t.Fatalf("result %+v", got)
	}
	if got.Renewals == 0 || got.Renewals != cluster.renewals || got.Requests != got.Renewals {
		t.Fatalf("told of %d renewals in %d requests, the cluster saw %d", got.Renewals, got.Requests, cluster.renewals)
	}
	if len(cluster.seqs) != 0 {
		t.Fatalf("%d leases were left behind", len(cluster.seqs))
	}
	if len(cluster.hosts) != 2 {
		t.Fatalf("requests by host: %v", cluster.hosts)
	}
	checkLatency(t, got)
}

func checkLatency(t *testing.T, r *Result) {
	t.Helper()
	l := r.Latency
	if l.P50 <= 0 || l.P50 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max {
		t.Errorf("latency %+v", l)
	}
	sum := int64(0)
	for _, b := range r.Distribution {
		sum += b.Count
	}
	if sum != r.Requests {
		t.Errorf("distribution counts %d of %d requests", sum, r.Requests)
	}
}

func TestBatchRunFillsItsBatches(t *testing.T) {
	for codec, media := range map[string]string{CodecJSON: wire.TypeJSON, CodecBinary: wire.TypeBeats, CodecCBOR: wire.TypeCBOR} {
		t.Run(codec, func(t *testing.T) {
			cluster := newFakeCluster()
			got, err := Run(t.Context(), Config{
				Endpoints: []string{serve(t, cluster)}, Mode: ModeBatch, Codec: codec,
				Leases: 250, Workers: 64, Batch: 100, Duration: 50 * time.Millisecond, Keep: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.Workers != 2 || got.BeatsPerRequest != 100 || got.Renewals != 100*got.Requests || got.Renewals != cluster.renewals {
				t.Fatalf("result %+v; the cluster saw %d", got, cluster.renewals)
			}
			if cluster.media[media] == 0 || len(cluster.media) != 1 || len(cluster.sizes) != 1 {
				t.Fatalf("media types %v, sizes %v", cluster.media, cluster.sizes)
			}
			if len(cluster.seqs) != 250 {
				t.Fatalf("%d leases were kept, want 250", len(cluster.seqs))
			}
		})
	}
}

func TestEndedLeasesAreCountedAndForgotten(t *testing.T) {
	for _, mode := range []string{ModeSingle, ModeBatch} {
		t.Run(mode, func(t *testing.T) {
			cluster := newFakeCluster()
			cluster.refuse = func(r *http.Request) *wire.Problem {
				if r.Method == "POST" { // the first beat finds all but ten gone
					for epoch := range cluster.seqs {
						if epoch > 10 {
							delete(cluster.seqs, epoch)
						}
					}
				}
				return nil
			}
			got, err := Run(t.Context(), Config{
				Endpoints: []string{serve(t, cluster)}, Mode: mode, Leases: 40, Workers: 2, Batch: 20, Duration: 400 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.LeasesLost != 30 || got.ErrorCodes["lease_ended"] != 30 || got.Errors != 30 || got.Renewals == 0 {
				t.Fatalf("result %+v", got)
			}
		})
	}
}

func TestRetryableRefusalsAreRepeated(t *testing.T) {
	cluster := newFakeCluster()
	seen := 0
	cluster.refuse = func(*http.Request) *wire.Problem {
		if seen++; seen%3 == 1 {
			return &wire.Problem{Status: 503, Code: wire.CodeNoLeader, Retryable: true}
		}
		return nil
	}
	got, err := Run(t.Context(), Config{Endpoints: []string{serve(t, cluster)}, Leases: 3, Workers: 1, Duration: 100 * time.Millisecond, Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	if got.Grants != 3 || got.GrantErrors == 0 || got.ErrorCodes["no_leader"] == 0 || got.Renewals == 0 {
		t.Fatalf("result %+v", got)
	}
}

func TestFinalRefusalEndsTheRun(t *testing.T) {
	cluster := newFakeCluster()
	cluster.refuse = func(*http.Request) *wire.Problem {
		return &wire.Problem{Status: 400, Code: wire.CodeInvalidRequest, Detail: "ttl_ms"}
	}
	_, err := Run(t.Context(), Config{Endpoints: []string{serve(t, cluster)}, Leases: 30, Workers: 3, Duration: time.Hour})
	var p *wire.Problem
	if !errors.As(err, &p) || p.Code != wire.CodeInvalidRequest {
		t.Fatalf("got %v", err)
	}
}

func TestDeadEndpointIsLeftForALivingOne(t *testing.T) {
	cluster := newFakeCluster()
	dead := httptest.NewServer(cluster)
	dead.Close()
	got, err := Run(t.Context(), Config{Endpoints: []string{dead.URL, serve(t, cluster)}, Leases: 8, Workers: 4, Duration: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if got.Grants != 8 || got.GrantErrors == 0 || got.Renewals == 0 {
		t.Fatalf("result %+v", got)
	}
}

func TestGrantingGivesUpWhereNobodyAnswers(t *testing.T) {
	dead := httptest.NewServer(newFakeCluster())
	dead.Close()
	leaderless := newFakeCluster()
	leaderless.refuse = func(*http.Request) *wire.Problem {
		return &wire.Problem{Status: 503, Code: wire.CodeNoLeader, Retryable: true}
	}
	for url, code := range map[string]wire.Code{dead.URL: "", serve(t, leaderless): wire.CodeNoLeader} {
		got, err := Run(t.Context(), Config{Endpoints: []string{url}, Leases: 4, Duration: time.Hour, Timeout: 100 * time.Millisecond})
		var p *wire.Problem
		if err == nil || errors.As(err, &p) != (code != "") || p != nil && p.Code != code {
			t.Errorf("%s: %v", url, err)
		}
		if got.GrantErrors == 0 || got.Interrupted {
			t.Errorf("%s: result %+v", url, got)
		}
	}
}

func TestCalledOffRunTellsWhatItMeasured(t *testing.T) {
	cluster := newFakeCluster()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	phases := map[string]bool{}
	got, err := Run(ctx, Config{
		Endpoints: []string{serve(t, cluster)}, Leases: 10, Workers: 2, Duration: time.Hour,
		Watch: func(p Progress) {
			phases[p.Phase] = true
			if p.Phase == PhaseRenew && p.Done > 0 {
				cancel()
			}
		},
	})
	if err != nil || !got.Interrupted || got.Renewals == 0 || got.Seconds > 600 {
		t.Fatalf("result %+v, %v", got, err)
	}
	if len(cluster.seqs) != 0 {
		t.Fatalf("%d leases were left behind", len(cluster.seqs))
	}
	if !phases[PhaseGrant] || !phases[PhaseRenew] || !phases[PhaseEnd] {
		t.Fatalf("phases told of: %v", phases)
	}
}

func TestSilentServerTimesOut(t *testing.T) {
	hang := make(chan struct{})
	url := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer close(hang)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got, err := Run(ctx, Config{Endpoints: []string{url}, Leases: 1, Workers: 1, Keep: true})
	if err != nil || got.Grants != 0 || got.GrantErrors != 1 {
		t.Fatalf("result %+v, %v", got, err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for want, cfg := range map[string]Config{
		"no endpoint":         {},
		"want http://host":    {Endpoints: []string{"https://x"}},
		`mode "other"`:        {Endpoints: []string{"http://x"}, Mode: "other"},
		"pipeline 1025":       {Endpoints: []string{"http://x"}, Mode: ModeSession, Pipeline: 1025},
		`codec "xml"`:         {Endpoints: []string{"http://x"}, Codec: "xml"},
		"batch 10001":         {Endpoints: []string{"http://x"}, Mode: ModeBatch, Batch: 10_001},
		"leases -1":           {Endpoints: []string{"http://x"}, Leases: -1},
		`service "a b"`:       {Endpoints: []string{"http://x"}, Service: "a b"},
		`prefix "."`:          {Endpoints: []string{"http://x"}, Prefix: "."},
		"duration -1s":        {Endpoints: []string{"http://x"}, Duration: -time.Second},
		"workers -3":          {Endpoints: []string{"http://x"}, Workers: -3},
		"ttl 1ns":             {Endpoints: []string{"http://x"}, TTL: 1},
		`ns "not a name"`:     {Endpoints: []string{"http://x"}, NS: "not a name"},
		`endpoint "http://%"`: {Endpoints: []string{"http://%"}},
	} {
		if _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// BenchmarkExchange is the driver's own cost of a heartbeat, with the fake
// server's in the same process.
func BenchmarkExchange(b *testing.B) {
	body := []byte(`{"id":"bench-1","epoch":1,"seq":1,"ttl_ms":10000,"expires_in_ms":10000,"heartbeat_every_ms":3333,"pending":0,"duplicate":false,"revision":1}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	defer server.Close()
	cfg := Config{Endpoints: []string{server.URL}, Leases: 1, Workers: 1}.withDefaults()
	w := newWorker(b.Context(), &cfg, 0, []lease{{id: "bench-1", epoch: 1}})
	defer w.conn.close()
	b.ReportAllocs()
	for b.Loop() {
		w.renewOne(time.Now())
	}
}
