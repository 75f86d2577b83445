package scaling

import (
	"math"
	"math/rand/v2"
	"testing"
)

// quick is a run of 5 virtual seconds.
func quick(t *testing.T, rate float64, change func(*Pipeline)) Passage {
	t.Helper()
	plan, c := Defaults(), Measured()
	p := Pipeline{Rate: rate, Seconds: 5, Seed: 1, Way: Batch}
	if change != nil {
		change(&p)
	}
	return p.Run(&plan, &c)
}

// TestTheSeedBringsItBack: a run is the same for the same seed, and another for
// another.
func TestTheSeedBringsItBack(t *testing.T) {
	first, again := quick(t, 100_000, nil), quick(t, 100_000, nil)
	if first != again {
		t.Errorf("%+v, then %+v", first, again)
	}
	if other := quick(t, 100_000, func(p *Pipeline) { p.Seed = 2 }); other == first {
		t.Error("another seed changes nothing")
	}
}

// TestBeatsWaitForCompany: a thousand beats a second make about sixty entries, as
// was measured, and no beat waits much longer than the 20 ms.
func TestBeatsWaitForCompany(t *testing.T) {
	out := quick(t, 1000, nil)
	near(t, "entries of 1,000 beats a second", out.Entries, 60, 0.15)
	if few := quick(t, 50, nil); few.P50 < 15 || few.P99 > 40 || few.PerEntry > 3 {
		t.Errorf("fifty beats a second: %+v", few)
	}
}

// TestSimulationMeetsTheFormula: the entries that the arithmetic reckons with are
// those that the simulation makes, and it breaks where the formula says.
func TestSimulationMeetsTheFormula(t *testing.T) {
	plan, c := Defaults(), Measured()
	for _, rate := range []float64{1000, 5000, 100_000, 1e6} {
		p := plan
		p.Leases = rate * p.PeriodS
		near(t, "entries", quick(t, rate, nil).Entries, p.entries(&c), 0.25)
	}
	breaks := Pipeline{Seconds: 5, Seed: 1, Way: Batch}.Breaks(&plan, &c, 100)
	near(t, "breaks at", breaks, plan.pipeline(&c), 0.15)
}

// TestBeyondItsCapacityItBreaks: the queue grows to its bound and what has no
// room is refused, while below nothing is.
func TestBeyondItsCapacityItBreaks(t *testing.T) {
	plan, c := Defaults(), Measured()
	most := plan.pipeline(&c)
	if out := quick(t, 0.5*most, nil); out.Refused > 0 || out.P99 > 50 || out.Left > 3*batchMost {
		t.Errorf("at half of its capacity: %+v", out)
	}
	out := quick(t, 1.5*most, nil)
	if out.Refused == 0 || out.Left < waitingMost-batchMost || out.P50 < 100 {
		t.Errorf("at one and a half: %+v", out)
	}
	near(t, "beats in an entry", out.PerEntry, batchMost, 0.02)
}

// TestALostLeaderIsMadeUpFor: what waits meanwhile waits no longer than the loss,
// and all is as before soon after.
func TestALostLeaderIsMadeUpFor(t *testing.T) {
	lose := func(p *Pipeline) { p.LostS, p.BackMS = 1, 900 }
	out := quick(t, 100_000, lose)
	if out.Max < 850 || out.Max > 1000 || out.Refused > 0 || out.NormalS == 0 || out.NormalS > 0.2 {
		t.Errorf("in batches: %+v", out)
	}
	singles := quick(t, 100_000, func(p *Pipeline) { lose(p); p.Way = HTTP })
	near(t, "singles that found no room", float64(singles.Refused), 90_000-singlesMost, 0.05)
	if singles.NormalS < 0.9 {
		t.Errorf("singles that were refused are back after %v s", singles.NormalS)
	}
}

// TestSamplesFollowTheirDistribution holds the random numbers against what they
// are drawn from.
func TestSamplesFollowTheirDistribution(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const n = 200_000
	var sum float64
	below := make([]int, len(syncSpread))
	for range n {
		v := sample(r, syncSpread)
		sum += v
		for i, q := range syncSpread {
			if v <= q.medians {
				below[i]++
			}
		}
	}
	near(t, "mean", sum/n, mean(syncSpread), 0.05)
	for i, q := range syncSpread[1:] {
		near(t, "quantile", float64(below[i+1])/n, q.part, 0.01)
	}
	for _, want := range []float64{0, 0.01, 0.5, 10, 1000} {
		var all float64
		for range n / 10 {
			all += float64(poisson(r, want))
		}
		if got := all / (n / 10); math.Abs(got-want) > 0.05*want+0.001 {
			t.Errorf("poisson of %v: %v", want, got)
		}
	}
}

// TestQuantilesAreThoseOfTheSamples: the histogram is right to its step.
func TestQuantilesAreThoseOfTheSamples(t *testing.T) {
	var l latencies
	for us := 1; us <= 100_000; us++ {
		l.add(float64(us), 1)
	}
	for _, part := range []float64{0.1, 0.5, 0.99} {
		near(t, "quantile", l.at(part), part*100, 0.03)
	}
	if l.at(1) != 100 {
		t.Errorf("the most is %v ms", l.at(1))
	}
}
