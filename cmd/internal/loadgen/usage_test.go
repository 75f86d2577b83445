package loadgen

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// fakeMetrics tells metrics that grow with each time they are asked for.
type fakeMetrics struct {
	mu     sync.Mutex
	asked  int
	values map[string][2]float64 // before and after
}

func (f *fakeMetrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, v := range f.values {
		fmt.Fprintf(w, "# HELP %s help\n# TYPE %s gauge\n%s %g\n", name, name, name, v[min(f.asked, 1)])
	}
	f.asked++
}

func someMetrics() map[string][2]float64 {
	return map[string][2]float64{
		metricStart: {100, 100}, metricCPU: {1, 1.5}, metricResident: {50e6, 60e6}, metricHeap: {10e6, 20e6},
		metricGoroutines: {30, 40}, metricApplied: {1_000, 1_500}, "other": {1, 2},
	}
}

func TestUsageIsThatOfEachNode(t *testing.T) {
	nodes := []string{serve(t, &fakeMetrics{values: someMetrics()}), serve(t, &fakeMetrics{values: someMetrics()})}
	target := Target{Endpoints: nodes}.withDefaults()
	got := startMeter(t.Context(), &target).stop(1_000)
	for _, n := range got.Nodes {
		if n.Error != "" || *n.CPUMicros != 500 || *n.Resident != 60e6 || *n.ResidentGrew != 10e6 || *n.Heap != 20e6 || *n.Goroutines != 40 || *n.RaftEntries != 500 {
			t.Errorf("node %+v", n)
		}
		if *n.CPUPercent <= 0 || *n.RaftEntriesPerS <= 0 {
			t.Errorf("rates of %+v", n)
		}
	}
	if *got.All.CPUMicros != 1_000 || *got.All.Resident != 120e6 || *got.All.ResidentGrew != 20e6 {
		t.Errorf("all %+v", got.All)
	}
	if driver := got.Driver.CPUPercent; driver == nil || *driver < 0 {
		t.Errorf("driver %+v", got.Driver)
	}
}

func TestUsageOfNodesThatDoNotTell(t *testing.T) {
	restarted, only := someMetrics(), map[string][2]float64{metricCPU: {1, 2}}
	restarted[metricStart] = [2]float64{100, 200}
	target := Target{Endpoints: []string{
		serve(t, http.NotFoundHandler()), serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, 1) })),
		serve(t, &fakeMetrics{values: restarted}), serve(t, &fakeMetrics{values: only}), "http://127.0.0.1:1",
	}}.withDefaults()
	got := startMeter(t.Context(), &target).stop(0)
	for i, want := range []string{"http_404", "no metrics of Prometheus", "restarted meanwhile", "", "connect"} {
		if n := got.Nodes[i]; !strings.Contains(n.Error, want) || (n.CPUPercent != nil) != (want == "") || n.CPUMicros != nil || n.Resident != nil {
			t.Errorf("node %d: %+v", i, n)
		}
	}
	if got.All != (Used{}) {
		t.Errorf("all %+v", got.All)
	}
}

func TestSumsOfWhatNotAllTell(t *testing.T) {
	one := Used{CPUPercent: new(1.0), Resident: new(2.0)}
	if got := sumUsed([]NodeUsage{{Used: one}}, 1); got != (Used{}) {
		t.Errorf("got %+v", got)
	}
}
