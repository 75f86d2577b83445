package loadgen

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func stormConfig(endpoints ...string) StormConfig {
	return StormConfig{
		Target: Target{Endpoints: endpoints}, Leases: 60, Silent: 40, TTL: time.Second, LiveRate: 50, Patience: 5 * time.Second,
	}
}

func TestStormBuriesTheSilentOnly(t *testing.T) {
	registry := newFakeRegistry()
	phases := map[string]bool{}
	cfg := stormConfig(serve(t, registry), serve(t, registry))
	cfg.Watch = func(p Progress) { phases[p.Phase] = true }
	got, err := RunStorm(t.Context(), cfg)
	if err != nil || got.Failed() != nil {
		t.Fatal(err, got.Failed())
	}
	if got.Buried != 40 || got.Unburied+got.Early+got.LiveDied+got.Held+got.Errors != 0 || got.Grants != 60 || got.LeasesLeft != 0 {
		t.Errorf("result %+v", got)
	}
	if got.Late.P50 <= 0 || got.Late.Max < got.LateLeast.Max || got.Overdue.P50 < 7 || got.SilenceMS <= 0 || got.Seconds < .5 {
		t.Errorf("times %+v", got)
	}
	if got.LiveBeats == 0 || got.Calm.P50 <= 0 || got.GrantLatency.P50 <= 0 {
		t.Errorf("of the living: %+v", got)
	}
	for _, phase := range []string{PhaseGrant, PhaseSilence, PhaseStorm, PhaseEnd} {
		if !phases[phase] {
			t.Errorf("phases %v, want %s", phases, phase)
		}
	}
	if n := registry.living(); n != 0 {
		t.Errorf("%d leases are left", n)
	}
}

// TestStormsEndWithOneThatFails: what a storm found is not outvoted by others.
func TestStormsEndWithOneThatFails(t *testing.T) {
	registry := newFakeRegistry()
	cfg := stormConfig(serve(t, registry))
	cfg.Runs = 3
	cfg.Watch = func(p Progress) {
		if p.Phase == PhaseEnd { // the first has come to its end
			registry.mu.Lock()
			defer registry.mu.Unlock()
			registry.judge = func(*fakeLease, time.Duration) string { return "" }
		}
	}
	cfg.Patience = 500 * time.Millisecond
	got, err := RunStorm(t.Context(), cfg)
	if err != nil || len(got.Runs) != 2 {
		t.Fatalf("%d runs, %v", len(got.Runs), err)
	}
	if got.Unburied != 0 || got.Runs[1].Unburied != 40 || got.Failed() == nil {
		t.Errorf("not buried: %d, in the second run %d; %v", got.Unburied, got.Runs[1].Unburied, got.Failed())
	}
}

func TestStormOfAll(t *testing.T) {
	cfg := stormConfig(serve(t, newFakeRegistry()))
	cfg.Silent = 0
	got, err := RunStorm(t.Context(), cfg)
	if err != nil || got.Failed() != nil || got.Silent != 60 || got.Buried != 60 || got.LiveBeats != 0 {
		t.Errorf("result %+v, %v", got, err)
	}
}

// TestStormSeesWhatMustNotBe lets the 11th of the silent, and the 51st lease,
// which lives on, have fates of their own.
func TestStormSeesWhatMustNotBe(t *testing.T) {
	for name, test := range map[string]struct {
		judge func(f *fakeRegistry, l *fakeLease, age time.Duration) string
		want  func(*StormResult) bool
		fails bool
	}{
		"a live one dies": {func(f *fakeRegistry, l *fakeLease, age time.Duration) string {
			if l.ofNumber(50) && f.watched && age > 150*time.Millisecond {
				return "expired"
			}
			return justly(l, age)
		}, func(r *StormResult) bool { return r.LiveDied == 1 && r.Buried == 40 }, true},
		"one dies early": {func(f *fakeRegistry, l *fakeLease, age time.Duration) string {
			if l.ofNumber(10) && l.Seq > 0 && f.watched && age > 500*time.Millisecond {
				return "expired"
			}
			return justly(l, age)
		}, func(r *StormResult) bool { return r.Early == 1 && r.Buried == 40 }, true},
		"one is not buried": {func(_ *fakeRegistry, l *fakeLease, age time.Duration) string {
			if l.ofNumber(10) {
				return ""
			}
			return justly(l, age)
		}, func(r *StormResult) bool { return r.Unburied == 1 && r.Buried == 39 }, true},
		"all are held": {func(_ *fakeRegistry, l *fakeLease, age time.Duration) string {
			if justly(l, age) != "" {
				return "held"
			}
			return ""
		}, func(r *StormResult) bool { return r.Held == 40 && r.Buried == 0 && r.Unburied == 0 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := newFakeRegistry()
			registry.judge = func(l *fakeLease, age time.Duration) string { return test.judge(registry, l, age) }
			cfg := stormConfig(serve(t, registry))
			cfg.Patience = time.Second
			got, err := RunStorm(t.Context(), cfg)
			if err != nil || !test.want(got) || (got.Failed() != nil) != test.fails {
				t.Errorf("result %+v, %v, %v", got, err, got.Failed())
			}
		})
	}
}

func TestStormKeepsWhatItHasWhileItGrants(t *testing.T) {
	cfg := stormConfig(serve(t, slowToGrant(newFakeRegistry())))
	started := time.Now()
	got, err := RunStorm(t.Context(), cfg)
	if err != nil || got.Failed() != nil || got.Buried != 40 || got.ErrorCodes["lease_ended"] != 0 || time.Since(started) < 5*cfg.TTL/2 {
		t.Errorf("result %+v, %v, %v", got, err, got.Failed())
	}
}

// slowToGrant refuses every other lease for longer than a TTL.
func slowToGrant(registry *fakeRegistry) *fakeRegistry {
	until := time.Now().Add(1500 * time.Millisecond)
	registry.refuse = func(r *http.Request) *wire.Problem {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "1") && time.Now().Before(until) {
			return wire.NewProblem(wire.CodeOverloaded, "")
		}
		return nil
	}
	return registry
}

func TestStormThatLosesWhatItHasWhileItGrants(t *testing.T) {
	registry := slowToGrant(newFakeRegistry())
	registry.judge = func(l *fakeLease, _ time.Duration) string {
		if l.ofNumber(10) && l.Seq == 1 {
			return "expired"
		}
		return ""
	}
	if _, err := RunStorm(t.Context(), stormConfig(serve(t, registry))); !errors.Is(err, errTooShort) {
		t.Errorf("got %v", err)
	}
}

func TestStormThatNobodyServes(t *testing.T) {
	registry := newFakeRegistry()
	registry.refuse = func(*http.Request) *wire.Problem { return wire.NewProblem(wire.CodeForbidden, "no") }
	if _, err := RunStorm(t.Context(), stormConfig(serve(t, registry))); err == nil || !strings.Contains(err.Error(), "forbidden: no") {
		t.Errorf("got %v", err)
	}
}

func TestStormThatIsCalledOff(t *testing.T) {
	for _, phase := range []string{PhaseGrant, PhaseStorm} {
		ctx, cancel := context.WithCancel(t.Context())
		cfg := stormConfig(serve(t, newFakeRegistry()))
		cfg.TTL = time.Hour
		cfg.Watch = func(p Progress) {
			if p.Phase == phase {
				cancel()
			}
		}
		got, err := RunStorm(ctx, cfg)
		if err != nil || !got.Interrupted || got.Failed() != nil || got.Buried != 0 {
			t.Errorf("%s: result %+v, %v, %v", phase, got, err, got.Failed())
		}
		cancel()
	}
}

func TestStormConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*StormConfig){
		"leases -1":    func(c *StormConfig) { c.Leases = -1 },
		"silent 61":    func(c *StormConfig) { c.Silent = 61 },
		"ttl 1ms":      func(c *StormConfig) { c.TTL = time.Millisecond },
		"live rate -1": func(c *StormConfig) { c.LiveRate = -1 },
		"patience -1s": func(c *StormConfig) { c.Patience = -time.Second },
		"no endpoint":  func(c *StormConfig) { c.Endpoints = nil },
	} {
		cfg := stormConfig("http://x")
		change(&cfg)
		if _, err := RunStorm(t.Context(), cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
