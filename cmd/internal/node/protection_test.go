package node

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Most of a service falls silent at once: it is held, over a failover too, and
// buried when an operator says so.
func TestSilentMassesAreHeld(t *testing.T) {
	bubble(t, func(c *cluster) {
		rules := []Protection{{Service: "web", Threshold: 0.05, MinPopulation: 5, MaxHold: time.Hour}}
		for i := 1; i <= 3; i++ {
			c.startAt(name(i), host(i), Config{BootstrapExpect: 3, Protection: rules})
		}
		c.ready()
		var epochs []uint64
		for i := range 10 {
			epochs = append(epochs, c.grant(c.follower(), fmt.Sprint("w", i), time.Second).Epoch)
		}
		c.must(c.follower(), "PUT", "/v1/leases/alone", wire.Registration{Service: "db", TTLMS: 1000}, 201)
		pass(3 * time.Second)
		check := func(when string) {
			t.Helper()
			for _, r := range c.nodes {
				p := c.protection(r)
				if !p.Active || len(p.Holds) != 1 || p.Holds[0].Held != 10 || p.Holds[0].Service != "web" || p.Holds[0].SinceMS+p.Holds[0].EndsMS != time.Hour.Milliseconds() {
					t.Fatalf("%s %s shows %+v", when, r.name, p)
				}
			}
		}
		check("at first")
		if l := c.state(c.leader(), "alone"); l.State != "expired" {
			t.Errorf("one of no service is %s", l.State)
		}
		c.kill(c.leader())
		c.ready()
		pass(3 * time.Second)
		check("after a failover")

		c.renew(c.follower(), "w0", epochs[0], 1)
		var released wire.Released
		c.must(c.follower(), "POST", "/v1/cluster/release?service=web", nil, 200).into(t, &released)
		if released.Released != 9 {
			t.Errorf("released %+v", released)
		}
		pass(700 * time.Millisecond)
		for i := range 10 {
			want := "expired"
			if i == 0 {
				want = "alive"
			}
			if l := c.state(c.leader(), fmt.Sprint("w", i)); l.State != want {
				t.Errorf("%s is %s, want %s", l.ID, l.State, want)
			}
		}
		if p := c.protection(c.follower()); p.Active || p.Holds != nil {
			t.Errorf("at last %+v", p)
		}
	})
}

func (c *cluster) protection(r *running) wire.Protection {
	c.t.Helper()
	var got wire.Cluster
	c.must(r, "GET", "/v1/cluster", nil, 200).into(c.t, &got)
	return got.Protection
}

func TestRulesAreChecked(t *testing.T) {
	good := Protection{NS: "default", Threshold: 0.3, MinPopulation: 10, MaxHold: time.Minute, Window: time.Minute}
	for name, tt := range map[string]struct {
		change func(p *Protection)
		want   string
	}{
		"no threshold":  {func(p *Protection) { p.Threshold = 0 }, "threshold 0"},
		"all":           {func(p *Protection) { p.Threshold = 1 }, "threshold 1"},
		"not a number":  {func(p *Protection) { p.Threshold = math.NaN() }, "threshold NaN"},
		"population":    {func(p *Protection) { p.MinPopulation = 1 }, "min_population 1"},
		"brief hold":    {func(p *Protection) { p.MaxHold = time.Millisecond }, "max_hold 1ms"},
		"long hold":     {func(p *Protection) { p.MaxHold = 25 * time.Hour }, "max_hold 25h"},
		"window":        {func(p *Protection) { p.Window = 2 * time.Hour }, "window 2h"},
		"negative rate": {func(p *Protection) { p.Rate = -1 }, "rate -1"},
		"no rate":       {func(p *Protection) { p.Rate = math.NaN() }, "rate NaN"},
		"namespace":     {func(p *Protection) { p.NS = "a b" }, `protection of namespace "a b": namespace: want`},
		"service":       {func(p *Protection) { p.Service = "a/b" }, `protection of service "a/b" in namespace "default": service: want`},
	} {
		t.Run(name, func(t *testing.T) {
			p := good
			tt.change(&p)
			if err := checkProtection([]Protection{p}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if err := checkProtection([]Protection{good, good}); err == nil || !strings.Contains(err.Error(), "another rule") {
		t.Errorf("twice: %v", err)
	}
	if err := checkProtection(make([]Protection, maxRules+1)); err == nil || !strings.Contains(err.Error(), "at most 100") {
		t.Errorf("too many: %v", err)
	}
	if err := checkProtection(withRuleDefaults([]Protection{{Threshold: 0.3}})); err != nil {
		t.Errorf("with defaults: %v", err)
	}
	cfg := Config{DataDir: t.TempDir(), Protection: []Protection{{}}}
	if _, err := Open(cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "threshold 0") {
		t.Errorf("a node opens: %v", err)
	}
}
