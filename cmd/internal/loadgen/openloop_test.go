package loadgen

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestOpenLoopInEveryMode(t *testing.T) {
	for _, mode := range []string{ModeSingle, ModeBatch, ModeSession} {
		cluster := &fakeSessions{fakeCluster: newFakeCluster()}
		got, err := Run(t.Context(), Config{
			Endpoints: []string{serve(t, cluster)}, Mode: mode, Leases: 40, Workers: 4, Batch: 10, Pipeline: 5,
			Duration: 300 * time.Millisecond, Rate: 200,
		})
		if err != nil || got.OpenLoop == nil {
			t.Fatalf("%s: %+v, %v", mode, got, err)
		}
		o := got.OpenLoop
		if sent := got.Requests + got.ErrorCodes["overloaded"]; sent+o.Unsent != 60 || o.OfferedPerS != 200 || o.AchievedPerS <= 0 || o.AchievedPerS > 210 {
			t.Errorf("%s: %d requests sent, open loop %+v, errors %v", mode, sent, o, got.ErrorCodes)
		}
		if mode == ModeBatch && got.Renewals != 10*got.Requests || got.Renewals != cluster.renewals {
			t.Errorf("%s: %d renewals in %d requests; the cluster saw %d", mode, got.Renewals, got.Requests, cluster.renewals)
		}
		checkLatency(t, got)
	}
}

// A server that stalls once is felt by all requests that were due meanwhile.
func TestOpenLoopFeelsAStall(t *testing.T) {
	for _, mode := range []string{ModeSingle, ModeSession} {
		cluster := &fakeSessions{fakeCluster: newFakeCluster()}
		stalled := false
		stall := func() {
			if !stalled && cluster.renewals == 10 {
				stalled = true
				time.Sleep(200 * time.Millisecond)
			}
		}
		cluster.refuse = func(*http.Request) *wire.Problem { stall(); return nil }
		cluster.before = stall
		got, err := Run(t.Context(), Config{
			Endpoints: []string{serve(t, cluster)}, Mode: mode, Leases: 20, Workers: 1, Duration: 400 * time.Millisecond, Rate: 200,
		})
		if err != nil || !stalled {
			t.Fatal(err, stalled)
		}
		if got.Latency.P90 < 50 || got.OpenLoop.Waited < 30 {
			t.Errorf("%s: latency %+v, open loop %+v", mode, got.Latency, got.OpenLoop)
		}
	}
}

func TestRunsAreToldByTheirMedians(t *testing.T) {
	cluster := newFakeCluster()
	got, err := Run(t.Context(), Config{
		Endpoints: []string{serve(t, cluster)}, Leases: 20, Workers: 2, Duration: 50 * time.Millisecond, Runs: 3,
	})
	if err != nil || len(got.Runs) != 3 || len(cluster.seqs) != 0 {
		t.Fatalf("result %+v, %v, %d leases left", got, err, len(cluster.seqs))
	}
	sum, requests := int64(0), int64(0)
	for _, one := range got.Runs {
		sum += one.Renewals
		if one.Usage.Nodes[0].Error != "" || one.Seconds < 0.05 {
			t.Errorf("run %+v", one)
		}
	}
	for _, b := range got.Distribution {
		requests += b.Count
	}
	if sum != cluster.renewals || requests != sum || got.Renewals != medians(got.Runs).Renewals {
		t.Errorf("%d renewals in all runs, %d in the distribution, median %d; the cluster saw %d", sum, requests, got.Renewals, cluster.renewals)
	}
}

func TestRunsGoOnWithoutTheLeasesThatEnded(t *testing.T) {
	for _, mode := range []string{ModeSingle, ModeSession} {
		cluster := &fakeSessions{fakeCluster: newFakeCluster()}
		cut := false
		drop := func() { // all but ten are gone when the renewing has begun
			for epoch := range cluster.seqs {
				if cluster.renewals > 0 && !cut && epoch > 10 {
					delete(cluster.seqs, epoch)
				}
			}
			cut = cut || cluster.renewals > 0
		}
		cluster.before = drop
		cluster.refuse = func(*http.Request) *wire.Problem { drop(); return nil }
		got, err := Run(t.Context(), Config{
			Endpoints: []string{serve(t, cluster)}, Mode: mode, Leases: 40, Workers: 2, Pipeline: 2, Duration: 300 * time.Millisecond, Runs: 2,
		})
		if err != nil || len(got.Runs) != 2 {
			t.Fatalf("result %+v, %v", got, err)
		}
		if first, second := got.Runs[0], got.Runs[1]; first.LeasesLost != 30 || second.LeasesLost != 0 || second.Renewals == 0 {
			t.Errorf("%s: lost %d and %d, renewed %d", mode, first.LeasesLost, second.LeasesLost, second.Renewals)
		}
	}
}

const someResults = `{"mode":"single","seconds":9.5,"latency_ms":{"p50":1,"deep":{"er":2}},"nodes":[{"cpu":1,"list":[1]},[]],"interrupted":false}`

func TestResultsAreRead(t *testing.T) {
	got, err := ReadResults(strings.NewReader(someResults + "\n" + someResults))
	if err != nil || got.Mode != "single" || got.Runs != 2 {
		t.Fatalf("results %+v, %v", got, err)
	}
	c, err := Compare(got, got)
	if err != nil || len(c.Figures) != 3 || len(c.Differ) != 0 {
		t.Fatalf("comparison %+v, %v", c, err)
	}
	for i, name := range []string{"seconds", "latency_ms.p50", "latency_ms.deep.er"} {
		if f := c.Figures[i]; f.Name != name || !f.Same() || !f.Overlap || *f.Percent != 0 {
			t.Errorf("figure %+v, want %s", f, name)
		}
	}
}

func TestARealResultIsRead(t *testing.T) {
	result := Result{Mode: ModeSingle, Leases: 7, Runs: []Renewed{{RenewalsPerS: 1}, {RenewalsPerS: 3}, {RenewalsPerS: 2}}}
	result.tell(result.Runs)
	text, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadResults(bytes.NewReader(text))
	if err != nil || got.Runs != 3 {
		t.Fatalf("results %+v, %v", got, err)
	}
	if rate, leases := rangeOf(got.all["renewals_per_s"]), rangeOf(got.all["leases"]); *rate != (Range{2, 1, 3}) || *leases != (Range{7, 7, 7}) {
		t.Errorf("rate %+v, leases %+v", rate, leases)
	}
}

func TestWhatIsNoResultIsRefused(t *testing.T) {
	for want, text := range map[string]string{
		"no result of rollcall bench": "",
		"where an object begins":      "[]",
		"no mode":                     `{"seconds":1}`,
		"single and batch":            `{"mode":"single"}{"mode":"batch"}`,
		"unexpected EOF":              `{"mode":"single","runs":[{"seconds":1}`,
		"8 objects within each other": `{"mode":"single","a":` + strings.Repeat(`{"a":`, 9) + "1" + strings.Repeat("}", 10),
		"invalid character":           `{"mode":"single",}`,
		"more than 16777216 bytes":    `{"mode":"single","x":"` + strings.Repeat("x", maxResults),
	} {
		if _, err := ReadResults(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
