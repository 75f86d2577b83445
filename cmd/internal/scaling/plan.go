package scaling

import (
	"errors"
	"fmt"
)

// ErrPlan is returned for a plan that is not one.
var ErrPlan = errors.New("invalid plan")

// Way is how heartbeats come in.
type Way string

// The ways.
const (
	HTTP    Way = "http"    // a request each
	Session Way = "session" // frames on a WebSocket
	Batch   Way = "batch"   // a thousand in a request, from gateways
)

// Plan is a cluster and what it is to carry. The fields are in the units of their
// names.
type Plan struct {
	Cores    float64 // of each node, as all down to MemoryGB
	NICGbit  float64 // in each direction
	SyncMS   float64 // of one fdatasync, median
	DiskMBs  float64
	MemoryGB float64

	Voters, Edges int // of each group; 1, 3 or 5 voters
	Groups        int // 1 is what there is; more are on paper
	// Headroom is the part of a resource that may be needed; the rest is for
	// failures and peaks.
	Headroom float64

	Leases    float64
	PeriodS   float64 // between two heartbeats of a lease
	Way       Way
	PerConn   float64 // leases on a connection
	Services  float64
	Watchers  float64 // each of one service
	ChurnPerS float64 // grants a second, and as many ends
}

// Defaults is the plan of docs/scaling.md: a million leases, a hundred on a
// connection, on three voters and no edge.
func Defaults() Plan {
	return Plan{
		Cores: 8, NICGbit: 10, SyncMS: 0.25, DiskMBs: 400, MemoryGB: 64, Voters: 3, Groups: 1, Headroom: 0.7,
		Leases: 1e6, PeriodS: 10, Way: HTTP, PerConn: 100, Services: 1000, Watchers: 2000, ChurnPerS: 200,
	}
}

// Check returns ErrPlan with what is wrong.
func (p *Plan) Check() error {
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"cores", p.Cores},
		{"nic", p.NICGbit},
		{"sync", p.SyncMS},
		{"disk", p.DiskMBs},
		{"memory", p.MemoryGB},
		{"groups", float64(p.Groups)},
		{"leases", p.Leases},
		{"period", p.PeriodS},
		{"per-connection", p.PerConn},
		{"services", p.Services},
		{"headroom", p.Headroom},
	} {
		if !(f.value > 0) || f.value > 1e15 {
			return fmt.Errorf("%w: %s: want more than 0", ErrPlan, f.name)
		}
	}
	switch {
	case p.Voters != 1 && p.Voters != 3 && p.Voters != 5:
		return fmt.Errorf("%w: %d voters: want 1, 3 or 5", ErrPlan, p.Voters)
	case p.Edges < 0 || p.Edges > 1000 || p.Groups > 1000:
		return fmt.Errorf("%w: edges and groups: at most 1,000", ErrPlan)
	case p.Way != HTTP && p.Way != Session && p.Way != Batch:
		return fmt.Errorf("%w: way %q: want http, session or batch", ErrPlan, p.Way)
	case !(p.Watchers >= 0) || !(p.ChurnPerS >= 0) || p.Headroom > 1:
		return fmt.Errorf("%w: watchers, churn: want 0 or more; headroom: at most 1", ErrPlan)
	}
	return nil
}

// beats are what one group gets in a second.
func (p *Plan) beats() float64 { return p.Leases / float64(p.Groups) / p.PeriodS }

// fronts is how many nodes of a group take connections: its edges, or where
// there is none all its voters.
func (p *Plan) fronts() float64 {
	if p.Edges > 0 {
		return float64(p.Edges)
	}
	return float64(p.Voters)
}

// replicas is how many nodes a leader sends its entries to.
func (p *Plan) replicas() float64 { return float64(p.Voters + p.Edges - 1) }

// perBeat is what a beat costs the node that takes it: CPU, and bytes both ways.
func (c *Costs) perBeat(w Way) (cpu, bytes float64) {
	switch w {
	case Session:
		return c.SessionBeat, c.SessionBytes
	case Batch:
		return c.BatchBeat, c.BatchBytes
	}
	return c.HTTPBeat, c.HTTPBytes
}
