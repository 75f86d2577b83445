package loadgen

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func grantConfig(mode, codec, endpoint string) Config {
	return Config{
		Endpoints: []string{endpoint}, Mode: mode, Codec: codec, Leases: 100, Workers: 4, Pipeline: 7, Full: true, TTL: time.Minute,
		Service: "bench", Prefix: "bench-", Timeout: 2 * time.Second,
	}
}

// ways are the ways to register.
var ways = []struct{ mode, codec string }{{ModeSingle, CodecJSON}, {ModeSession, CodecJSON}, {ModeSession, CodecCBOR}}

func TestGrantsAreCountedAndEnded(t *testing.T) {
	for _, way := range ways {
		cluster := &fakeSessions{fakeCluster: newFakeCluster(), hold: 3}
		bodies := keepBodies(t, cluster)
		cfg := grantConfig(way.mode, way.codec, serve(t, bodies))
		cfg.Runs = 2
		got, err := RunGrant(t.Context(), cfg)
		if err != nil || got.Failed() != nil {
			t.Fatal(way, err, got)
		}
		if got.Grants != 100 || got.Errors != 0 || cluster.epochs != 200 || len(got.Runs) != 2 || got.LeasesLeft != 0 || len(cluster.seqs) != 0 {
			t.Errorf("%v: result %+v; the cluster granted %d, %d are left", way, got, cluster.epochs, len(cluster.seqs))
		}
		if got.Latency.P50 <= 0 || got.Latency.P50 > got.Latency.Max || got.GrantsPerS <= 0 || got.OpenLoop != nil || got.Nodes[0].CPUMicros == nil {
			t.Errorf("%v: result %+v", way, got)
		}
		want := cfg.shape().registration(0)
		for _, b := range cluster.bodies {
			b.Address = want.Address
			if !reflect.DeepEqual(b, want) {
				t.Fatalf("%v: registered %+v, want %+v", way, b, want)
			}
		}
		if len(cluster.bodies) != 200 {
			t.Errorf("%v: %d bodies", way, len(cluster.bodies))
		}
	}
}

// keepBodies remembers what is registered over HTTP, too.
func keepBodies(t *testing.T, f *fakeSessions) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			var body wire.Registration
			text, _ := io.ReadAll(r.Body)
			if err := json.Unmarshal(text, &body); err != nil || len(r.URL.Path) != len(wire.PathLeases)+1+fullID {
				t.Errorf("registered %s: %s", r.URL.Path, text)
			}
			f.mu.Lock()
			f.bodies = append(f.bodies, body)
			f.mu.Unlock()
		}
		f.ServeHTTP(w, r)
	})
}

func TestGrantsBySchedule(t *testing.T) {
	for _, way := range ways {
		cluster := &fakeSessions{fakeCluster: newFakeCluster()}
		cfg := grantConfig(way.mode, way.codec, serve(t, cluster))
		cfg.Rate, cfg.Keep = 500, true
		got, err := RunGrant(t.Context(), cfg)
		if err != nil || got.Grants != 100 || got.OpenLoop == nil || got.OpenLoop.Unsent != 0 || len(cluster.seqs) != 100 {
			t.Fatalf("%v: result %+v, %v", way, got, err)
		}
		if got.GrantsPerS > 520 || got.Seconds < 0.19 {
			t.Errorf("%v: %v grants a second, in %v s", way, got.GrantsPerS, got.Seconds)
		}
	}
}

func TestGrantsAreTriedAgain(t *testing.T) {
	for _, way := range ways {
		cluster := &fakeSessions{fakeCluster: newFakeCluster(), limit: 30} // sessions break off now and then
		n := 0
		busy := func() *wire.Problem {
			if n++; n%10 == 0 {
				return &wire.Problem{Status: 503, Code: wire.CodeOverloaded, Retryable: true}
			}
			return nil
		}
		cluster.deny = func(*sentRegistration) *wire.Problem { return busy() }
		cluster.refuse = func(r *http.Request) *wire.Problem {
			if r.Method != http.MethodPut {
				return nil
			}
			return busy()
		}
		got, err := RunGrant(t.Context(), grantConfig(way.mode, way.codec, serve(t, cluster)))
		if err != nil || got.Grants != 100 || got.ErrorCodes["overloaded"] == 0 {
			t.Errorf("%v: result %+v, %v", way, got, err)
		}
	}
}

func TestGrantsThatAreRefusedForGood(t *testing.T) {
	for _, way := range ways {
		cluster := &fakeSessions{fakeCluster: newFakeCluster()}
		forbidden := &wire.Problem{Status: 403, Code: wire.CodeForbidden}
		cluster.deny = func(*sentRegistration) *wire.Problem { return forbidden }
		cluster.refuse = func(r *http.Request) *wire.Problem { return forbidden }
		if way.mode == ModeSession {
			cluster.refuse = nil
		}
		got, err := RunGrant(t.Context(), grantConfig(way.mode, way.codec, serve(t, cluster)))
		var p *wire.Problem
		if !errors.As(err, &p) || p.Code != wire.CodeForbidden || got.Errors == 0 || got.Failed() == nil {
			t.Errorf("%v: result %+v, %v", way, got, err)
		}
	}
}

func TestGrantsGiveUpWhereNobodyGrants(t *testing.T) {
	for _, way := range ways {
		cluster := &fakeSessions{fakeCluster: newFakeCluster()}
		leaderless := &wire.Problem{Status: 503, Code: wire.CodeNoLeader, Retryable: true}
		cluster.deny = func(*sentRegistration) *wire.Problem { return leaderless }
		cluster.refuse = func(r *http.Request) *wire.Problem {
			if r.Method == http.MethodPut {
				return leaderless
			}
			return nil
		}
		cfg := grantConfig(way.mode, way.codec, serve(t, cluster))
		cfg.Timeout, cfg.Keep = 100*time.Millisecond, true
		if _, err := RunGrant(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "nothing granted for") {
			t.Errorf("%v: %v", way, err)
		}
		dead := grantConfig(way.mode, way.codec, "http://127.0.0.1:1")
		dead.Timeout = 100 * time.Millisecond
		if _, err := RunGrant(t.Context(), dead); err == nil || !strings.Contains(err.Error(), "nothing granted for") {
			t.Errorf("%v, nobody there: %v", way, err)
		}
	}
}

func TestGrantsThatAreCalledOff(t *testing.T) {
	for _, way := range ways {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		cluster := &fakeSessions{fakeCluster: newFakeCluster()}
		cfg := grantConfig(way.mode, way.codec, serve(t, cluster))
		cfg.Rate, cfg.Runs = 20, 3
		cfg.Watch = func(p Progress) {
			if p.Phase == PhaseGrant && p.Done > 2 {
				cancel()
			}
		}
		got, err := RunGrant(ctx, cfg)
		if err != nil || !got.Interrupted || got.Failed() != nil || got.Grants == 0 || got.Grants >= 100 || len(got.Runs) != 0 || len(cluster.seqs) != 0 {
			t.Errorf("%v: result %+v, %v; %d left", way, got, err, len(cluster.seqs))
		}
	}
}

func TestGrantConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*Config){
		`mode "batch"`:                     func(c *Config) { c.Mode = ModeBatch },
		"leases 40001: want at most 10000": func(c *Config) { c.Mode, c.Leases = ModeSession, 40_001 },
		"rate -1":                          func(c *Config) { c.Rate = -1 },
		"rate 1e+08: want 0 to 10,000,000": func(c *Config) { c.Rate = 1e8 },
		"runs 101: want 1 to 100":          func(c *Config) { c.Runs = 101 },
		"session has json or cbor":         func(c *Config) { c.Mode, c.Codec = ModeSession, CodecBinary },
	} {
		cfg := grantConfig(ModeSingle, CodecJSON, "http://x")
		change(&cfg)
		if _, err := RunGrant(t.Context(), cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
