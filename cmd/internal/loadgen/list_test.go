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

func listConfig(endpoints ...string) ListConfig {
	return ListConfig{Target: Target{Endpoints: endpoints}, Leases: 30, Workers: 4, Duration: 100 * time.Millisecond}
}

func TestListsAreWhole(t *testing.T) {
	registry := newFakeRegistry()
	seen := make(chan string, 1)
	registry.refuse = func(r *http.Request) *wire.Problem {
		if r.URL.Path == wire.PathAlive {
			select {
			case seen <- r.URL.RawQuery:
			default:
			}
		}
		return nil
	}
	cfg := listConfig(serve(t, registry), serve(t, registry))
	cfg.Consistency, cfg.Fields, cfg.Renew = "leader", "id,address", 500
	got, err := RunList(t.Context(), cfg)
	if err != nil || got.Failed() != nil {
		t.Fatal(err, got.Failed())
	}
	if got.Lists == 0 || got.ListsPerS <= 0 || got.MBPerS <= 0 || got.BytesPerList < 30*100 || got.LeasesPerList != 30 || got.Latency.P50 <= 0 {
		t.Errorf("result %+v", got)
	}
	if got.Renewals == 0 || got.RenewLatency.P50 <= 0 || got.NotModified != 0 || got.LeasesLost != 0 {
		t.Errorf("beside: %+v", got)
	}
	if query := <-seen; query != "service=bench&limit=1000&consistency=leader&fields=id,address" {
		t.Errorf("asked %s", query)
	}
	if n := registry.living(); n != 0 {
		t.Errorf("%d leases are left", n)
	}
}

func TestListsOfSeveralRuns(t *testing.T) {
	cfg := listConfig(serve(t, newFakeRegistry()))
	cfg.Duration, cfg.Runs = 20*time.Millisecond, 3
	got, err := RunList(t.Context(), cfg)
	if err != nil || got.Failed() != nil {
		t.Fatal(err, got.Failed())
	}
	if n := len(got.Runs); n != 3 {
		t.Fatalf("%d runs", n)
	}
	between := 0
	for _, one := range got.Runs {
		if one.ListsPerS <= 0 {
			t.Errorf("a run of %v lists a second", one.ListsPerS)
		}
		if one.ListsPerS <= got.ListsPerS {
			between++
		}
	}
	if between != 2 {
		t.Errorf("%v is not the median of three runs", got.ListsPerS)
	}
}

func TestListsThatDidNotChange(t *testing.T) {
	cfg := listConfig(serve(t, newFakeRegistry()))
	cfg.ETag = true
	got, err := RunList(t.Context(), cfg)
	if err != nil || got.Failed() != nil {
		t.Fatal(err, got.Failed())
	}
	if want := got.Lists - int64(got.Workers); got.NotModified != want || want <= 0 {
		t.Errorf("%d of %d lists were not modified, want all but the first of each worker", got.NotModified, got.Lists)
	}
}

func TestListsOfSeveralPages(t *testing.T) {
	cfg := listConfig(serve(t, newFakeRegistry()))
	cfg.Leases = wire.MaxLimit + 1
	got, err := RunList(t.Context(), cfg)
	if err != nil || got.Failed() != nil || got.LeasesPerList != wire.MaxLimit {
		t.Errorf("result %+v, %v, %v", got, err, got.Failed())
	}
}

func TestListsThatAreNotWholeAreSeen(t *testing.T) {
	for name, harm := range map[string]func(n int, p *wire.AlivePage){
		"the first lacks one": func(n int, p *wire.AlivePage) {
			if n == 1 {
				p.Alive = p.Alive[1:]
			}
		},
		"the first is not sorted": func(n int, p *wire.AlivePage) {
			if n == 1 {
				p.Alive[3], p.Alive[4] = p.Alive[4], p.Alive[3]
			}
		},
		"a later one says that it lacks one": func(n int, p *wire.AlivePage) {
			if n == 10 {
				p.Count--
			}
		},
		"a later one says that it has ten times as many": func(n int, p *wire.AlivePage) {
			if n == 10 {
				p.Count *= 10
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			registry := newFakeRegistry()
			registry.page = harm
			cfg := listConfig(serve(t, registry))
			cfg.Duration = time.Second
			got, err := RunList(t.Context(), cfg)
			if err != nil || got.Wrong != 1 || got.Failed() == nil {
				t.Errorf("result %+v, %v", got, err)
			}
		})
	}
}

func TestListsThatAreRefused(t *testing.T) {
	registry := newFakeRegistry()
	registry.refuse = func(r *http.Request) *wire.Problem {
		if r.URL.Path == wire.PathAlive {
			return wire.NewProblem(wire.CodeOverloaded, "")
		}
		return nil
	}
	got, err := RunList(t.Context(), listConfig(serve(t, registry)))
	if err != nil || got.Failed() == nil || got.ErrorCodes["overloaded"] == 0 || got.ErrorCodes["overloaded"] != got.Errors {
		t.Errorf("result %+v, %v", got, err)
	}
}

func TestListRunThatIsCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	registry := newFakeRegistry()
	cfg := listConfig(serve(t, registry))
	cfg.Duration = time.Hour
	cfg.Watch = func(p Progress) {
		if p.Phase == PhaseList && p.Done > 0 {
			cancel()
		}
	}
	got, err := RunList(ctx, cfg)
	if err != nil || !got.Interrupted || got.Lists == 0 || got.Failed() != nil || registry.living() != 0 {
		t.Errorf("result %+v, %v", got, err)
	}
}

func TestListConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*ListConfig){
		"workers -1":    func(c *ListConfig) { c.Workers = -1 },
		"leases -1":     func(c *ListConfig) { c.Leases = -1 },
		"duration -1s":  func(c *ListConfig) { c.Duration = -time.Second },
		"consistency":   func(c *ListConfig) { c.Consistency = "eventual" },
		`fields "a&b"`:  func(c *ListConfig) { c.Fields = "a&b" },
		"renew -1":      func(c *ListConfig) { c.Renew = -1 },
		"no endpoint":   func(c *ListConfig) { c.Endpoints = nil },
		"renew 2e+06":   func(c *ListConfig) { c.Renew = 2e6 },
		`fields "id, "`: func(c *ListConfig) { c.Fields = "id, " },
	} {
		cfg := listConfig("http://x")
		change(&cfg)
		if _, err := RunList(t.Context(), cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
