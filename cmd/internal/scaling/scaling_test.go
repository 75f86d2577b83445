package scaling

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// near fails where a figure is off by more than so many parts of what is wanted.
func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within*want {
		t.Errorf("%s: %.4g, want %.4g within %.0f %%", what, got, want, within*100)
	}
}

// TestArithmeticMeetsWhatWasMeasured holds the unit costs against the rates of
// docs/benchmarks.md (within 15 %), and the latencies that follow from them by
// Little's law (within 25 %).
func TestArithmeticMeetsWhatWasMeasured(t *testing.T) {
	c := Measured()
	for _, p := range Points() {
		near(t, p.What, p.Worked(&c), p.Measured, p.Within)
		near(t, p.What+": p50", p.Waited(&c), p.P50, 0.25)
	}
}

// TestLoadAddsUp: what the nodes do together is what the beats cost.
func TestLoadAddsUp(t *testing.T) {
	c := Measured()
	c.EntryLeader, c.EntryFollower, c.Event, c.Inform = 0, 0, 0, 0
	for _, edges := range []int{0, 4} {
		p := Defaults()
		p.Edges, p.ChurnPerS = edges, 0
		l := p.Work(&c)
		got := l.Leader.Cores + 2*l.Voter.Cores + float64(edges)*l.Edge.Cores
		want := l.Beats * (c.HTTPBeat + float64(3+edges)*c.ApplyBeat + p.forwarded()*c.ForwardBeat) / 1e6
		near(t, "cores", got, want, 1e-9)
		log := l.Beats*c.BeatBytes + l.Entries*c.EntryBytes
		near(t, "leader's traffic", p.lead(&c, &l).Gbit, (float64(2+edges)*log+p.forwarded()*l.Beats*c.ForwardBytes/2)*8/1e9, 1e-9)
	}
}

// TestMostIsTheEdge: with the greatest number of leases the headroom is used up,
// and with one in a hundred more it is exceeded.
func TestMostIsTheEdge(t *testing.T) {
	c := Measured()
	for _, way := range []Way{HTTP, Session, Batch} {
		p := Defaults()
		p.Way, p.Edges = way, 3
		most, by := p.Most(&c)
		near(t, "used of "+by.Resource, by.Used, p.Headroom, 0.001)
		more := p.grown(1.01 * most)
		if used := more.Bottleneck(&c).Used; used <= p.Headroom {
			t.Errorf("%s: one in a hundred leases more uses %v", way, used)
		}
	}
}

// TestMoreOfAnythingCarriesNoLess: no machine, edge or group makes it worse.
func TestMoreOfAnythingCarriesNoLess(t *testing.T) {
	c := Measured()
	base := Defaults()
	base.Edges = 3
	most, _ := base.Most(&c)
	for name, grow := range map[string]func(*Plan){
		"cores":  func(p *Plan) { p.Cores *= 2 },
		"disk":   func(p *Plan) { p.DiskMBs *= 2 },
		"memory": func(p *Plan) { p.MemoryGB *= 2 },
		"nic":    func(p *Plan) { p.NICGbit *= 2 },
		"edges":  func(p *Plan) { p.Edges++ },
		"period": func(p *Plan) { p.PeriodS *= 2 },
	} {
		p := base
		grow(&p)
		if got, _ := p.Most(&c); got < 0.999*most {
			t.Errorf("%s: %v leases, were %v", name, got, most)
		}
	}
	base.Groups = 3
	got, _ := base.Most(&c)
	near(t, "three groups", got, 3*most, 0.05)
}

// TestPlansAreChecked: what is not a plan is refused with what is wrong.
func TestPlansAreChecked(t *testing.T) {
	for field, spoil := range map[string]func(*Plan){
		"leases":   func(p *Plan) { p.Leases = 0 },
		"cores":    func(p *Plan) { p.Cores = math.NaN() },
		"period":   func(p *Plan) { p.PeriodS = math.Inf(1) },
		"voters":   func(p *Plan) { p.Voters = 2 },
		"edges":    func(p *Plan) { p.Edges = -1 },
		"way":      func(p *Plan) { p.Way = "post" },
		"watchers": func(p *Plan) { p.Watchers = -1 },
		"headroom": func(p *Plan) { p.Headroom = 1.5 },
	} {
		p, c := Defaults(), Measured()
		spoil(&p)
		if _, err := NewReport(p, &c); !errors.Is(err, ErrPlan) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestFailuresEndOrSayNever: who cannot catch up is never there, and who has
// nobody to go to is never taken in.
func TestFailuresEndOrSayNever(t *testing.T) {
	c := Measured()
	p := Defaults()
	if f := p.Fail(&c); math.IsInf(f.LogS, 1) || math.IsInf(f.StormS, 1) || f.ImageS <= 0 || f.DrainS <= 0 {
		t.Errorf("a million leases: %+v", f)
	}
	p.Voters = 1
	if f := p.Fail(&c); !math.IsInf(f.StormS, 1) {
		t.Errorf("one node: its clients are taken in within %v s", f.StormS)
	}
	p = Defaults()
	p.Leases = 1e8
	if f := p.Fail(&c); !math.IsInf(f.LogS, 1) || !math.IsInf(f.ImageS, 1) {
		t.Errorf("ten million beats a second: %+v", f)
	}
}

// TestReportIsWhole prints a plan for people.
func TestReportIsWhole(t *testing.T) {
	c := Measured()
	r, err := NewReport(Defaults(), &c)
	if err != nil {
		t.Fatal(err)
	}
	text := r.String()
	for _, part := range []string{"| leader ", "| follower ", "leases fit", "(p99.9)", "catches up", "taken in"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if strings.Contains(text, "| edge") || strings.Contains(text, "NaN") {
		t.Errorf("an edge, or no number:\n%s", text)
	}
}

// TestEveryCostCounts: each row of the table has a name of its own, and a change
// of it changes what is worked out of some plan.
func TestEveryCostCounts(t *testing.T) {
	before := reckoned(Measured())
	names := make(map[string]bool)
	plain := Measured()
	for i, row := range plain.Rows() {
		if names[row.Name] || row.Of == "" || row.By == "" || row.Known == "" {
			t.Errorf("row %+v is not whole, or there twice", row)
		}
		names[row.Name] = true
		c := Measured()
		*c.Rows()[i].Value *= 2
		if reckoned(c) == before {
			t.Errorf("%s counts for nothing", row.Name)
		}
	}
}

// reckoned is all of a Report but its simulation, of a plan of each way.
func reckoned(c Costs) (all [3]Report) {
	for i, way := range []Way{HTTP, Session, Batch} {
		p := Defaults()
		p.Way, p.Edges, p.Leases = way, 3, 5e5
		all[i] = Report{Load: p.Work(&c), Failure: p.Fail(&c)}
		all[i].Most, all[i].MostBy = p.Most(&c)
	}
	return all
}
