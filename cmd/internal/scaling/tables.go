package scaling

import "fmt"

// Tables are those of docs/scaling.md, by name. The same plan and costs make the
// same text.
func Tables(c *Costs) map[string]string {
	return map[string]string{
		"costs":     costTable(c).String(),
		"points":    pointTable(c).String(),
		"nodes":     nodeTable(c).String(),
		"most":      mostTable(c).String(),
		"leases":    leaseTable(c).String(),
		"watchers":  watcherTable(c).String(),
		"size":      sizeTable(c).String(),
		"pipeline":  pipelineTable(c).String(),
		"failure":   failureTable(c).String(),
		"lost":      lostTable(c).String(),
		"groups":    groupTable(c).String(),
		"scattered": scatterTable().String(),
	}
}

func costTable(c *Costs) *grid {
	g := newGrid("name", "value", "of", "measured by", "")
	for _, r := range c.Rows() {
		g.row(fmt.Sprintf("`%s`", r.Name), number(*r.Value)+" "+r.Unit, r.Of, r.By, r.Known)
	}
	return g
}

func pointTable(c *Costs) *grid {
	g := newGrid("measured", "a second", "worked out", "p50", "by Little's law")
	for _, p := range Points() {
		g.row(p.What, number(p.Measured), number(p.Worked(c)), number(p.P50)+" ms", number(p.Waited(c))+" ms")
	}
	return g
}

// nodeTable is the load of each node in three clusters of the defaults.
func nodeTable(c *Costs) *grid {
	g := newGrid("heartbeats by", "node", "cores", "Gbit/s", "fdatasyncs/s", "MB/s written", "memory GB")
	for _, way := range []Way{HTTP, Session, Batch} {
		for _, edges := range []int{0, 3} {
			p := Defaults()
			p.Way, p.Edges = way, edges
			l := p.Work(c)
			for _, n := range []struct {
				name string
				use  Use
			}{{"leader", l.Leader}, {"follower", l.Voter}, {"edge, of 3", l.Edge}} {
				if n.use != (Use{}) {
					g.row(string(way), n.name, number(n.use.Cores), number(n.use.Gbit), number(n.use.Syncs), number(n.use.MBs), number(n.use.Memory))
				}
			}
		}
	}
	return g
}

// mostTable is how many leases fit.
func mostTable(c *Costs) *grid {
	g := newGrid("voters", "edges", "HTTP", "what forbids more", "sessions", "", "batches", "")
	for _, n := range [][2]int{{1, 0}, {3, 0}, {5, 0}, {3, 3}, {3, 9}, {3, 27}} {
		cells := []string{fmt.Sprint(n[0]), fmt.Sprint(n[1])}
		for _, way := range []Way{HTTP, Session, Batch} {
			p := Defaults()
			p.Voters, p.Edges, p.Way = n[0], n[1], way
			most, by := p.Most(c)
			cells = append(cells, number(most), by.Node+": "+by.Resource)
		}
		g.row(cells...)
	}
	return g
}

// leaseTable is how cost grows with the leases, on three voters.
func leaseTable(c *Costs) *grid {
	g := newGrid("leases", "heartbeats/s", "entries/s", "leader: cores", "follower: cores", "MB/s written", "memory GB", "a snapshot every", "of")
	for _, n := range []float64{1e4, 1e5, 1e6, 3e6, 1e7} {
		p := Defaults()
		p = p.grown(n)
		l := p.Work(c)
		log := l.Beats*c.BeatBytes + 2*p.ChurnPerS*c.ChangeBytes
		g.row(number(n), number(l.Beats), number(l.Entries), number(l.Leader.Cores), number(l.Voter.Cores), number(l.Leader.MBs),
			number(l.Leader.Memory), seconds(p.between(c)/log), number(p.image(c)/1e6)+" MB")
	}
	return g
}

// watcherTable is how cost grows with watchers and services.
func watcherTable(c *Costs) *grid {
	g := newGrid("watchers", "services", "watchers informed/s", "cores a node", "Gbit/s a node", "memory GB a node")
	for _, n := range [][2]float64{{2e3, 1e3}, {2e4, 1e3}, {2e4, 1e2}, {6e4, 1e2}, {6e4, 10}} {
		p := Defaults()
		idle := p
		idle.Watchers = 0
		p.Watchers, p.Services = n[0], n[1]
		with, without := p.Work(c).Voter, idle.Work(c).Voter
		g.row(number(n[0]), number(n[1]), number(2*p.ChurnPerS/p.Services*p.Watchers),
			number(with.Cores-without.Cores), number(with.Gbit-without.Gbit), number(with.Memory-without.Memory))
	}
	return g
}

// sizeTable is how cost grows with the nodes.
func sizeTable(c *Costs) *grid {
	g := newGrid("voters", "edges", "leader: cores", "Gbit/s", "follower: cores", "edge: cores", "Gbit/s", "cores in all")
	for _, n := range [][2]int{{1, 0}, {3, 0}, {5, 0}, {3, 1}, {3, 3}, {3, 9}, {3, 27}} {
		p := Defaults()
		p.Voters, p.Edges = n[0], n[1]
		l := p.Work(c)
		all := l.Leader.Cores + float64(n[0]-1)*l.Voter.Cores + float64(n[1])*l.Edge.Cores
		g.row(fmt.Sprint(n[0]), fmt.Sprint(n[1]), number(l.Leader.Cores), number(l.Leader.Gbit), number(l.Voter.Cores),
			number(l.Edge.Cores), number(l.Edge.Gbit), number(all))
	}
	return g
}

// Seed is that of every simulation of docs/scaling.md.
const Seed = 20261128

// pipelineTable is latency by load, up to where it breaks.
func pipelineTable(c *Costs) *grid {
	p := Defaults()
	g := newGrid("heartbeats/s", "entries/s", "in an entry", "p50", "p99", "p99.9", "most", "wait at the end")
	breaks := Pipeline{Seconds: 5, Seed: Seed, Way: Batch}.Breaks(&p, c, 100)
	rates := []float64{100, 1000, 10_000, 20_000, 100_000, 1e6, 0.5 * breaks, 0.8 * breaks, 0.95 * breaks, 1.05 * breaks, 1.2 * breaks}
	for _, rate := range rates {
		out := Pipeline{Rate: rate, Seconds: 5, Seed: Seed, Way: Batch}.Run(&p, c)
		g.row(number(rate), number(out.Entries), number(out.PerEntry), number(out.P50)+" ms", number(out.P99)+" ms",
			number(out.P999)+" ms", number(out.Max)+" ms", number(float64(out.Left)))
	}
	return g
}

// failureTable is the loss of a node, by the leases.
func failureTable(c *Costs) *grid {
	g := newGrid("leases", "log kept for", "caught up from it in", "else a snapshot of", "and there after", "clients of a lost node", "taken in within")
	for _, n := range []float64{1e5, 1e6, 3e6} {
		p := Defaults()
		p = p.grown(n)
		f := p.Fail(c)
		g.row(number(n), seconds(f.KeptS), seconds(f.LogS), number(f.ImageMB)+" MB", seconds(f.ImageS), number(f.Clients), seconds(f.StormS))
	}
	return g
}

// lostTable is the loss of the leader, simulated.
func lostTable(c *Costs) *grid {
	p := Defaults()
	g := newGrid("heartbeats/s", "by", "longest wait", "found no room", "back to normal after")
	for _, rate := range []float64{1000, 10_000, 100_000, 1e6} {
		for _, way := range []Way{HTTP, Batch} {
			out := Pipeline{Rate: rate, Seconds: 12, Seed: Seed, Way: way, LostS: 2, BackMS: c.FailoverMS}.Run(&p, c)
			g.row(number(rate), string(way), number(out.Max)+" ms", number(float64(out.Refused)), seconds(out.NormalS))
		}
	}
	return g
}

// groupTable is how many leases further groups would carry, all of 3 voters.
func groupTable(c *Costs) *grid {
	g := newGrid("groups", "nodes", "leases by HTTP", "by sessions", "by batches", "voters' traffic in all, Gbit/s")
	for _, n := range []int{1, 2, 4, 8} {
		cells := []string{fmt.Sprint(n), fmt.Sprint(3 * n)}
		var gbit float64
		for _, way := range []Way{HTTP, Session, Batch} {
			p := Defaults()
			p.Groups, p.Way = n, way
			most, _ := p.Most(c)
			cells = append(cells, number(most))
			full := p.grown(most)
			gbit = float64(n) * full.Need(c).Leader.Gbit
		}
		g.row(append(cells, number(gbit))...)
	}
	return g
}

// scatterTable is how evenly namespaces fall on groups.
func scatterTable() *grid {
	g := newGrid("namespaces", "groups", "fullest group, of an even share", "largest namespace", "moved by one group more")
	for _, namespaces := range []int{20, 1000, 100_000} {
		for _, groups := range []int{2, 8} {
			s := Scatter(namespaces, groups)
			g.row(number(float64(namespaces)), fmt.Sprint(groups), number(s.Largest)+" ×", percent(s.First), percent(s.Moved))
		}
	}
	return g
}
