package scaling

// Limit is what a node has least of left.
type Limit struct {
	Node, Resource string
	Used           float64 // 1 is all of it
}

// Bottleneck returns the resource of which most is needed.
func (p *Plan) Bottleneck(c *Costs) Limit {
	l := p.Need(c)
	worst := Limit{}
	for _, n := range []struct {
		name string
		use  *Use
	}{{"leader", &l.Leader}, {"follower", &l.Voter}, {"edge", &l.Edge}} {
		for _, r := range p.parts(c, n.use) {
			if r.Used > worst.Used {
				worst = Limit{n.name, r.Resource, r.Used}
			}
		}
	}
	if apply := l.Beats * c.ApplyBeat / 1e6; apply > worst.Used {
		worst = Limit{"every node", "the state machine, one core", apply}
	}
	return worst
}

// parts are the parts of each resource that a node uses.
func (p *Plan) parts(c *Costs, u *Use) []Limit {
	syncs := u.Syncs * p.SyncMS / 1000
	return []Limit{
		{Resource: "processor", Used: u.Cores / p.Cores},
		{Resource: "network", Used: u.Gbit / p.NICGbit},
		{Resource: "disk", Used: max(syncs, u.MBs/p.DiskMBs)},
		{Resource: "memory", Used: u.Memory / p.MemoryGB},
		{Resource: "connections", Used: u.Conns / c.ConnectionsNode},
	}
}

// Most returns the greatest number of leases with which no resource is used
// beyond the headroom, and which one forbids more. Churn, watchers and services
// grow with the leases.
func (p *Plan) Most(c *Costs) (leases float64, by Limit) {
	low, high := 0., 1e12
	for range 100 {
		middle := (low + high) / 2
		grown := p.grown(middle)
		if grown.Bottleneck(c).Used > p.Headroom {
			high = middle
		} else {
			low = middle
		}
	}
	beyond := p.grown(high)
	return low, beyond.Bottleneck(c)
}

// grown is the same plan with another number of leases.
func (p *Plan) grown(leases float64) Plan {
	g := *p
	by := leases / p.Leases
	g.Leases = leases
	g.Services, g.Watchers, g.ChurnPerS = p.Services*by, p.Watchers*by, p.ChurnPerS*by
	return g
}
