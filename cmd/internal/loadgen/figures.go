package loadgen

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

// figure is something that a node's metrics tell over and over.
type figure struct {
	name, metric string
	flat         bool    // should not grow under a load that stays the same
	slack        float64 // by which it may grow in any case
}

// figures are those of a soak. Sizes of files follow the log and its snapshots:
// they are told, not judged.
var figures = []figure{
	{"goroutines", metricGoroutines, true, 50},
	{"open_files", metricFiles, true, 20},
	{"heap_in_use_bytes", metricHeapInUse, true, 16 << 20},
	{"resident_bytes", metricResident, true, 32 << 20},
	{"leases", metricLeases, false, 0},
	{"raft_log_bytes", metricLog, false, 0},
	{"state_bytes", metricImage, false, 0},
}

// SoakNode is what one node held.
type SoakNode struct {
	Endpoint string   `json:"endpoint"`
	Figures  []Figure `json:"figures"`
	Missing  int      `json:"missing"`  // samples that could not be taken
	Restarts int      `json:"restarts"` // of the node, after which nothing is judged; must be 0
	Dead     bool     `json:"dead"`     // it did not answer at the end
	Unjudged []string `json:"unjudged"` // figures that should be flat, and lack a sample in the first or the last third
}

// Figure is one of them, as medians of the first and the last third of the run.
type Figure struct {
	Name     string  `json:"name"`
	First    float64 `json:"first_third"`
	Last     float64 `json:"last_third"`
	Growth   float64 `json:"growth"` // of First; 0.1: by a tenth
	Flat     bool    `json:"flat"`   // should not grow
	Exceeded bool    `json:"exceeded"`
}

// sampler samples the nodes now and then. It belongs to one goroutine.
type sampler struct {
	target  *Target
	every   time.Duration
	samples [][]sample // by endpoint
	taken   int
}

func newSampler(t *Target, every time.Duration) *sampler {
	return &sampler{target: t, every: every, samples: make([][]sample, len(t.Endpoints))}
}

// run samples until ctx ends.
func (s *sampler) run(ctx context.Context) {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		s.take(ctx)
	}
}

// take samples all nodes at once; what was called off does not count.
func (s *sampler) take(ctx context.Context) {
	now := make([]sample, len(s.samples))
	var all sync.WaitGroup
	for i, e := range s.target.Endpoints {
		all.Go(func() { now[i] = scrape(ctx, s.target, e) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return
	}
	s.taken++
	for i := range now {
		s.samples[i] = append(s.samples[i], now[i])
	}
}

// nodes tells what became of the figures; a figure may grow by bound.
func (s *sampler) nodes(bound float64) []SoakNode {
	out := make([]SoakNode, len(s.samples))
	for i, e := range s.target.Endpoints {
		out[i] = soakNode(e, s.samples[i], bound)
	}
	return out
}

func soakNode(endpoint string, samples []sample, bound float64) SoakNode {
	n := SoakNode{Endpoint: endpoint, Figures: []Figure{}, Unjudged: []string{}}
	started := 0.0
	for _, one := range samples {
		if n.Dead = one.err != nil; n.Dead {
			n.Missing++
			continue
		}
		if now := one.values[metricStart]; now != started {
			if started != 0 {
				n.Restarts++
			}
			started = now
		}
	}
	for _, f := range figures {
		if got, ok := f.of(samples, bound); ok {
			got.Exceeded = got.Exceeded && n.Restarts == 0
			n.Figures = append(n.Figures, got)
		} else if f.flat && (n.Missing == len(samples) || len(f.values(samples)) > 0) {
			n.Unjudged = append(n.Unjudged, f.name) // a system that never tells it is not to blame
		}
	}
	return n
}

// failed says what is wrong with a node. A run that was ended early may have too
// few samples.
func (n *SoakNode) failed(interrupted bool) error {
	found := errors.Join(
		check(!n.Dead, "%s: did not answer at the end", n.Endpoint),
		check(n.Restarts == 0, "%s: was restarted %d times", n.Endpoint, n.Restarts),
		check(interrupted || len(n.Unjudged) == 0, "%s: could not be judged: %s", n.Endpoint, strings.Join(n.Unjudged, ", ")),
	)
	for _, f := range n.Figures {
		found = errors.Join(found, check(!f.Exceeded, "%s: %s grew by %.0f %%", n.Endpoint, f.Name, 100*f.Growth))
	}
	return found
}

// of compares the thirds. There must be a sample in each.
func (f figure) of(samples []sample, bound float64) (Figure, bool) {
	third := len(samples) / 3
	first, last := f.values(samples[:third]), f.values(samples[len(samples)-third:])
	if len(first) == 0 || len(last) == 0 {
		return Figure{}, false
	}
	out := Figure{Name: f.name, First: medianOf(first), Last: medianOf(last), Flat: f.flat}
	grown := out.Last - out.First
	if out.First > 0 {
		out.Growth = grown / out.First
	}
	out.Exceeded = f.flat && grown > f.slack && grown > bound*out.First
	return out, true
}

func (f figure) values(samples []sample) (out []float64) {
	for _, s := range samples {
		if v := s.value(f.metric); v != nil {
			out = append(out, *v)
		}
	}
	return out
}
