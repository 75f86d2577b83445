package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func soakConfig(endpoints ...string) SoakConfig {
	return SoakConfig{
		Target: Target{Endpoints: endpoints}, Leases: 20, Rate: 200, TTL: time.Second, Duration: 4 * time.Second,
		Flappers: 3, Watchers: 2, Mail: 10, Lists: 20, Every: 50 * time.Millisecond,
	}
}

func TestSoakOfAHealthyCluster(t *testing.T) {
	registry := newFakeRegistry()
	cfg := soakConfig(serve(t, registry), serve(t, registry))
	got, err := RunSoak(t.Context(), cfg)
	if err != nil || got.Failed() != nil {
		t.Fatal(err, got.Failed())
	}
	if got.Renewals < 400 || got.RenewalsPerS < 100 || got.Latency.P50 <= 0 || got.Flaps == 0 || got.Events == 0 || got.Lists == 0 {
		t.Errorf("result %+v", got)
	}
	if got.Sent != 50 || got.Delivered != 50 || got.Errors != 0 || got.LeasesLeft != 0 {
		t.Errorf("result %+v", got)
	}
	if len(got.Nodes) != 2 || len(got.Nodes[0].Figures) != 1 || got.Nodes[1].Figures[0].Last != 100 || got.Samples < 10 {
		t.Errorf("nodes %+v", got.Nodes)
	}
}

// TestSoakSeesWhatMustNotBe harms the first lease, or the flappers.
func TestSoakSeesWhatMustNotBe(t *testing.T) {
	flapper := func(l *fakeLease) bool { return strings.Contains(l.ID, "flap-") }
	for name, test := range map[string]struct {
		harm func(f *fakeRegistry)
		want func(*SoakResult) bool
	}{
		"a live one dies": {func(f *fakeRegistry) {
			f.judge = func(l *fakeLease, age time.Duration) string {
				if l.ofNumber(0) && l.Seq == 2 {
					return "expired"
				}
				return justly(l, age)
			}
		}, func(r *SoakResult) bool { return r.LiveDied == 1 }},
		"flappers die early": {func(f *fakeRegistry) {
			f.judge = func(l *fakeLease, age time.Duration) string {
				if flapper(l) && age > 100*time.Millisecond {
					return "expired"
				}
				return justly(l, age)
			}
		}, func(r *SoakResult) bool { return r.FlappedEarly > 0 }},
		"a renewal is lost": {func(f *fakeRegistry) {
			f.page = func(_ int, p *wire.AlivePage) {
				if len(p.Alive) > 0 && p.Alive[0].Seq > 0 {
					p.Alive[0].Seq--
				}
			}
		}, func(r *SoakResult) bool { return r.RenewalsLost == 1 }},
		"a list is not whole": {func(f *fakeRegistry) {
			f.page = func(n int, p *wire.AlivePage) {
				if n == 5 {
					p.Count--
				}
			}
		}, func(r *SoakResult) bool { return r.ListsWrong == 1 }},
		"mail is lost": {func(f *fakeRegistry) {
			f.mail.harm = func(page *wire.MessagesPage) {
				if len(page.Messages) > 0 {
					page.Messages[0].Body = []byte(`"x"`)
				}
			}
		}, func(r *SoakResult) bool { return r.Altered > 0 }},
		"goroutines leak": {func(f *fakeRegistry) {
			f.figures = func(n int) string {
				return fmt.Sprintf("process_start_time_seconds 1\ngo_goroutines %d\n", 10*n)
			}
		}, func(r *SoakResult) bool { return r.Nodes[0].Figures[0].Exceeded }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := newFakeRegistry()
			test.harm(registry)
			cfg := soakConfig(serve(t, registry))
			cfg.Duration = 2 * time.Second
			got, err := RunSoak(t.Context(), cfg)
			if err != nil || !test.want(got) || got.Failed() == nil {
				t.Errorf("result %+v, %v", got, err)
			}
		})
	}
}

func TestSoakWithoutTheRest(t *testing.T) {
	registry := newFakeRegistry()
	registry.refuse = func(r *http.Request) *wire.Problem {
		if r.URL.Path == wire.PathMetrics {
			return wire.NewProblem(wire.CodeForbidden, "")
		}
		return nil
	}
	cfg := soakConfig(serve(t, registry))
	cfg.Flappers, cfg.Watchers, cfg.Mail, cfg.Lists, cfg.Duration = -1, -1, -1, -1, time.Second
	got, err := RunSoak(t.Context(), cfg)
	if err != nil || got.Flaps+got.Events+got.Sent+got.Lists != 0 {
		t.Errorf("result %+v, %v", got, err)
	}
	if failed := fmt.Sprint(got.Failed()); !strings.Contains(failed, "could not be judged: goroutines") || !strings.Contains(failed, "at the end") {
		t.Errorf("failed: %v", failed)
	}
	if n := got.Nodes[0]; n.Missing != got.Samples || n.Missing == 0 || len(n.Figures) != 0 {
		t.Errorf("nodes %+v of %d samples", got.Nodes, got.Samples)
	}
}

func TestSoakThatIsCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	registry := newFakeRegistry()
	cfg := soakConfig(serve(t, registry))
	cfg.Duration = time.Hour
	cfg.Watch = func(p Progress) {
		if p.Phase == PhaseSoak && p.Done > 0 {
			cancel()
		}
	}
	got, err := RunSoak(ctx, cfg)
	if err != nil || !got.Interrupted || got.Failed() != nil || got.Renewals == 0 {
		t.Errorf("result %+v, %v, %v", got, err, got.Failed())
	}
}

func TestSoakConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*SoakConfig){
		"duration 149ms":  func(c *SoakConfig) { c.Duration = 149 * time.Millisecond },
		"duration -1s":    func(c *SoakConfig) { c.Duration = -time.Second },
		"leases -1":       func(c *SoakConfig) { c.Leases = -1 },
		"rate 59":         func(c *SoakConfig) { c.Rate = 59 },
		"ttl 1ms":         func(c *SoakConfig) { c.TTL = time.Millisecond },
		"flappers 10001":  func(c *SoakConfig) { c.Flappers = 10_001 },
		"watchers 10001":  func(c *SoakConfig) { c.Watchers = 10_001 },
		"mail 10001":      func(c *SoakConfig) { c.Mail = 10_001 },
		"lists 10001":     func(c *SoakConfig) { c.Lists = 10_001 },
		"every 1ns":       func(c *SoakConfig) { c.Every = 1 },
		"growth -1":       func(c *SoakConfig) { c.Growth = -1 },
		"no endpoint":     func(c *SoakConfig) { c.Endpoints = nil },
		"every -1s: want": func(c *SoakConfig) { c.Every = -time.Second },
	} {
		cfg := soakConfig("http://x")
		change(&cfg)
		if _, err := RunSoak(t.Context(), cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// samplesOf are samples of goroutines; 0 is one that was not had. From the nth
// on they are of another process.
func samplesOf(restart int, values ...float64) (out []sample) {
	for i, v := range values {
		s := sample{values: map[string]float64{metricGoroutines: v, metricStart: 1}}
		if i >= restart {
			s.values[metricStart] = 2
		}
		if v == 0 {
			s = sample{err: errNoMetric}
		}
		out = append(out, s)
	}
	return out
}

func TestFiguresThatGrow(t *testing.T) {
	for name, test := range map[string]struct {
		samples []sample
		want    string
	}{
		"flat":                        {samplesOf(9, 100, 110, 105, 500, 500, 500, 120, 90, 110), "105 110 false"},
		"grown by more than allowed":  {samplesOf(9, 100, 110, 105, 0, 0, 0, 160, 190, 155), "105 160 true"},
		"by more than the slack only": {samplesOf(9, 1000, 1000, 1000, 0, 0, 0, 1060, 1060, 1060), "1000 1060 false"},
		"by more than the bound only": {samplesOf(9, 10, 10, 10, 0, 0, 0, 60, 60, 60), "10 60 false"},
		"missing":                     {samplesOf(9, 0, 110, 0, 0, 0, 0, 0, 0, 90), "110 90 false"},
		"restarted":                   {samplesOf(4, 100, 110, 105, 100, 10, 10, 900, 900, 900), "105 900 false"},
	} {
		t.Run(name, func(t *testing.T) {
			n := soakNode("x", test.samples, 0.3)
			f := n.Figures[0]
			if got := fmt.Sprintf("%.0f %.0f %v", f.First, f.Last, f.Exceeded); len(n.Figures) != 1 || got != test.want {
				t.Errorf("got %s, %+v, want %s", got, n, test.want)
			}
		})
	}
}

func TestFiguresThatCannotBeJudged(t *testing.T) {
	for name, samples := range map[string][]sample{
		"none": nil, "two": samplesOf(9, 1, 2), "no first": samplesOf(9, 0, 0, 1, 2, 3, 4), "no last": samplesOf(9, 1, 2, 3, 4, 0, 0),
	} {
		if n := soakNode("x", samples, 0.3); len(n.Figures) != 0 || !slices.Contains(n.Unjudged, "goroutines") || n.failed(false) == nil {
			t.Errorf("%s: got %+v", name, n)
		}
	}
}

func TestNodesThatFail(t *testing.T) {
	for name, test := range map[string]struct {
		samples []sample
		want    string
	}{
		"well":           {samplesOf(9, 1, 1, 1, 1, 1, 1), "<nil>"},
		"missing once":   {samplesOf(9, 1, 1, 1, 1, 0, 1), "<nil>"},
		"dead":           {samplesOf(9, 1, 1, 1, 1, 1, 0), "n2: did not answer at the end"},
		"restarted":      {samplesOf(3, 1, 1, 1, 1, 1, 1), "n2: was restarted 1 times"},
		"not judged":     {samplesOf(9, 0, 0, 1, 1, 1, 1), "n2: could not be judged: goroutines"},
		"grown too much": {samplesOf(9, 1, 1, 1, 1, 100, 100), "n2: goroutines grew by 9900 %"},
	} {
		n := soakNode("n2", test.samples, 0.3)
		if got := fmt.Sprint(n.failed(false)); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
	n := soakNode("n2", samplesOf(9, 1), 0.3)
	if err := n.failed(true); err != nil {
		t.Errorf("ended early: %v", err)
	}
}
