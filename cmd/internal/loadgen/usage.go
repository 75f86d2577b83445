package loadgen

import (
	"context"
	"errors"
	"sync"
	"time"
)

var errRestarted = errors.New("the node was restarted meanwhile")

// Usage is what a part of a run took of the nodes and of the driver itself. A
// node whose metrics could not be read has an error instead.
type Usage struct {
	Nodes  []NodeUsage `json:"nodes"`     // in the order of the endpoints
	All    Used        `json:"all_nodes"` // the sums, of what every node tells
	Driver Used        `json:"driver"`    // empty where the system does not tell
}

// NodeUsage is what one node used.
type NodeUsage struct {
	Endpoint string `json:"endpoint"`
	Error    string `json:"error,omitempty"`
	Used
}

// Used is what a process used. What it does not tell is nil.
type Used struct {
	CPUPercent       *float64 `json:"cpu_percent,omitempty"`        // of one core
	CPUMicros        *float64 `json:"cpu_us_per_request,omitempty"` // a request of the whole run, whoever took it
	Resident         *float64 `json:"resident_bytes,omitempty"`     // at the end
	ResidentGrew     *float64 `json:"resident_grew_bytes,omitempty"`
	Heap             *float64 `json:"heap_bytes,omitempty"` // at the end, garbage included
	Goroutines       *float64 `json:"goroutines,omitempty"` // at the end
	RaftEntries      *float64 `json:"raft_entries,omitempty"`
	RaftEntriesPerS  *float64 `json:"raft_entries_per_s,omitempty"`
	cpuSeconds, span float64  // between the samples; 0: not known
}

// meter measures what a part of a run uses.
type meter struct {
	ctx     context.Context // outlives the run, so that one that is called off is measured, too
	target  *Target
	nodes   []sample
	driver  time.Duration // of processor time; -1 where the system does not tell
	started time.Time
}

// startMeter begins to measure. The metrics of the nodes are read once here and
// once by stop, all at once, within scrapeMax.
func startMeter(ctx context.Context, t *Target) *meter {
	m := &meter{ctx: context.WithoutCancel(ctx), target: t}
	m.nodes = m.scrapeAll()
	m.driver, m.started = processorTime(), time.Now()
	return m
}

// stop returns what was used since the start, in which the cluster acknowledged
// so many requests.
func (m *meter) stop(requests int64) Usage {
	driver, span := processorTime(), time.Since(m.started)
	after := m.scrapeAll()
	u := Usage{Nodes: make([]NodeUsage, len(after))}
	for i, e := range m.target.Endpoints {
		u.Nodes[i] = usageBetween(e, m.nodes[i], after[i], requests)
	}
	u.All = sumUsed(u.Nodes, requests)
	if driver >= 0 {
		u.Driver.setCPU((driver - m.driver).Seconds(), span.Seconds(), requests)
	}
	return u
}

func (m *meter) scrapeAll() []sample {
	out := make([]sample, len(m.target.Endpoints))
	var all sync.WaitGroup
	for i, e := range m.target.Endpoints {
		all.Go(func() { out[i] = scrape(m.ctx, m.target, e) })
	}
	all.Wait()
	return out
}

func usageBetween(endpoint string, before, after sample, requests int64) NodeUsage {
	u := NodeUsage{Endpoint: endpoint}
	err := before.err
	if err == nil {
		err = after.err
	}
	if err == nil && before.values[metricStart] != after.values[metricStart] {
		err = errRestarted
	}
	if err != nil {
		u.Error = err.Error()
		return u
	}
	seconds := after.at.Sub(before.at).Seconds()
	if cpu := grown(before, after, metricCPU); cpu != nil {
		u.setCPU(*cpu, seconds, requests)
	}
	u.Resident, u.ResidentGrew = after.value(metricResident), grown(before, after, metricResident)
	u.Heap, u.Goroutines = after.value(metricHeap), after.value(metricGoroutines)
	if u.RaftEntries = grown(before, after, metricApplied); u.RaftEntries != nil {
		u.RaftEntriesPerS = new(*u.RaftEntries / seconds)
	}
	return u
}

func (s sample) value(name string) *float64 {
	if v, ok := s.values[name]; ok {
		return &v
	}
	return nil
}

func grown(before, after sample, name string) *float64 {
	from, to := before.value(name), after.value(name)
	if from == nil || to == nil {
		return nil
	}
	return new(*to - *from)
}

func (u *Used) setCPU(cpu, span float64, requests int64) {
	u.cpuSeconds, u.span = cpu, span
	u.CPUPercent = new(100 * cpu / span)
	if requests > 0 {
		u.CPUMicros = new(1e6 * cpu / float64(requests))
	}
}

// sumUsed adds up what every node tells.
func sumUsed(nodes []NodeUsage, requests int64) (all Used) {
	cpu, span, resident, grew := 0.0, 0.0, 0.0, 0.0
	for _, n := range nodes {
		if n.CPUPercent == nil || n.Resident == nil || n.ResidentGrew == nil {
			return Used{}
		}
		cpu, span = cpu+n.cpuSeconds, max(span, n.span)
		resident, grew = resident+*n.Resident, grew+*n.ResidentGrew
	}
	all.setCPU(cpu, span, requests)
	all.Resident, all.ResidentGrew = &resident, &grew
	return all
}
