package scaling

import (
	"fmt"
	"strings"
)

// Report is what is worked out of a plan.
type Report struct {
	Plan       Plan
	Load       Load // where nothing is short
	Need       Load // where entries are as full as they have to be
	Bottleneck Limit
	Most       float64 // leases
	MostBy     Limit
	Failure    Failure
	Passage    Passage // of the leader's batches, at that rate
}

// NewReport works a plan out; the error is ErrPlan.
func NewReport(p Plan, c *Costs) (Report, error) {
	if err := p.Check(); err != nil {
		return Report{}, err
	}
	r := Report{
		Plan: p, Load: p.Work(c), Need: p.Need(c), Bottleneck: p.Bottleneck(c), Failure: p.Fail(c),
		Passage: Pipeline{Rate: min(p.beats(), rateMost), Seconds: 5, Seed: 1, Way: p.Way}.Run(&p, c),
	}
	r.Most, r.MostBy = p.Most(c)
	return r, nil
}

// rateMost bounds the rate of a simulation: beyond it nothing is to be learnt.
const rateMost = 1e8

// String tells it to people.
func (r *Report) String() string {
	var b strings.Builder
	p := &r.Plan
	fmt.Fprintf(&b, "%s leases renewed every %s s (%s), %d groups of %d voters and %d edges, nodes of %s cores\n\n",
		number(p.Leases), number(p.PeriodS), p.Way, p.Groups, p.Voters, p.Edges, number(p.Cores))
	b.WriteString(r.nodes().String())
	fmt.Fprintf(&b, "\n%s heartbeats a second in each group make %s Raft entries; %s would be enough.\n",
		number(r.Load.Beats), number(r.Load.Entries), number(r.Need.Entries))
	fmt.Fprintf(&b, "What is used most of is the %s of the %s: %s. With %s of it %s leases fit.\n",
		r.Bottleneck.Resource, r.Bottleneck.Node, percent(r.Bottleneck.Used), percent(p.Headroom), number(r.Most))
	fmt.Fprintf(&b, "A heartbeat passes the leader in %s ms (p50), %s ms (p99), %s ms (p99.9).\n",
		number(r.Passage.P50), number(r.Passage.P99), number(r.Passage.P999))
	f := &r.Failure
	fmt.Fprintf(&b, "A node that was away for %s catches up from the log in %s; later it gets %s MB and is there after %s.\n",
		seconds(f.KeptS), seconds(f.LogS), number(f.ImageMB), seconds(f.ImageS))
	fmt.Fprintf(&b, "The %s connections of a lost node are taken in by the others in %s.\n", number(f.Clients), seconds(f.StormS))
	fmt.Fprintf(&b, "A lost leader lets %s heartbeats wait, which takes %s once the next one commits.\n", number(f.Waiting), seconds(f.DrainS))
	return b.String()
}

func (r *Report) nodes() *grid {
	g := newGrid("node", "cores", "Gbit/s", "fdatasyncs/s", "MB/s written", "memory GB", "sessions or watches")
	for _, n := range []struct {
		name string
		use  Use
	}{{"leader", r.Load.Leader}, {"follower", r.Load.Voter}, {"edge", r.Load.Edge}} {
		if n.use != (Use{}) {
			g.row(n.name, number(n.use.Cores), number(n.use.Gbit), number(n.use.Syncs), number(n.use.MBs), number(n.use.Memory), number(n.use.Conns))
		}
	}
	return g
}
