package scaling

// The collector's rules, as docs/reference/limits.md has them.
const (
	batchMost   = 8000 // beats in an entry
	inFlight    = 2    // entries on their way
	company     = 16   // beats for which one waits
	lingerMost  = 20   // milliseconds
	lingerLeast = 1    // milliseconds: less is none
)

// entriesNeeded is how many entries a second are enough for many beats, while
// they fit: two at a time, and each may take 20 ms. A cluster that has disk and
// processor to spare makes more.
const entriesNeeded = 100

// Use is what one node uses of each resource.
type Use struct {
	Cores  float64
	Gbit   float64 // of the busier direction
	Syncs  float64 // a second
	MBs    float64 // written to the disk
	Memory float64 // GB
	Conns  float64 // sessions, or watches: of which there are more
}

// Load is what a plan asks of its nodes: those of one group.
type Load struct {
	Beats   float64 // a second
	Entries float64 // a second
	Leader  Use
	Voter   Use // another one; nothing where there is none
	Edge    Use // nothing where there is none
}

// entries is how many Raft entries a second so many beats make where nothing is
// short. Few beats wait for company. Many leave when the entry before them is on
// its way, so that more of them share one the more there are.
func (p *Plan) entries(c *Costs) float64 {
	rate := p.beats()
	if lingers(rate) {
		// While one waits for company, others come: an entry has one beat more.
		return rate / (1 + rate*min(company/rate, lingerMost/1000.))
	}
	disk, latency := p.passage(c)
	freely := min(1/disk, (inFlight-rate*c.ApplyBeat/1e6)/(disk+latency))
	return max(rate/batchMost, min(rate, freely))
}

// lingers says that beats of that rate wait for company.
func lingers(rate float64) bool { return company/rate*1000 >= lingerLeast }

// passage is how long the disk has to do with an entry, and how long the entry
// takes besides, both in seconds. The beats in it come on top.
func (p *Plan) passage(c *Costs) (disk, latency float64) {
	return c.Syncs * p.SyncMS * mean(syncSpread) / 1000, c.EntryLeader * appliedLatency / 1e6
}

// needed is how many entries are enough.
func (p *Plan) needed(c *Costs) float64 {
	return max(p.beats()/batchMost, min(entriesNeeded, p.entries(c)))
}

// Work returns the load of a plan where nothing is short.
func (p *Plan) Work(c *Costs) Load { return p.work(c, p.entries(c)) }

// Need returns the load of a plan when entries are as full as they have to be.
func (p *Plan) Need(c *Costs) Load { return p.work(c, p.needed(c)) }

func (p *Plan) work(c *Costs, entries float64) Load {
	l := Load{Beats: p.beats(), Entries: entries}
	common, front := p.replica(c, &l), p.front(c, &l)
	l.Leader = common.plus(p.lead(c, &l))
	if p.Voters > 1 {
		l.Voter = common.plus(p.follow(c, &l))
	}
	if p.Edges > 0 {
		l.Edge = common.plus(p.follow(c, &l)).plus(front).plus(p.forward(c, &l))
		return l
	}
	l.Leader = l.Leader.plus(front)
	if p.Voters > 1 {
		l.Voter = l.Voter.plus(front).plus(p.forward(c, &l))
	}
	return l
}

// replica is what every node does for every change and every beat.
func (p *Plan) replica(c *Costs, l *Load) Use {
	churn := p.ChurnPerS / float64(p.Groups)
	leases := p.Leases / float64(p.Groups)
	log := l.Beats*c.BeatBytes + 2*churn*c.ChangeBytes
	u := Use{
		Cores:  (l.Beats*c.ApplyBeat + churn*(c.ApplyGrant+c.ApplyEnd+2*c.Event)) / 1e6,
		Syncs:  l.Entries * c.Syncs,
		MBs:    (log + l.Entries*c.EntryPages + 2*churn*c.LeaseImage) / 1e6,
		Memory: (leases*c.LeaseMemory + c.KeptEvents) / 1e9,
	}
	// A snapshot is a copy of the image, now and then.
	u.MBs += log / p.between(c) * p.image(c) / 1e6
	return u
}

// image is how many bytes a node's state.db has in use.
func (p *Plan) image(c *Costs) float64 {
	return p.Leases / float64(p.Groups) * (c.LeaseImage + c.RenewalPacked)
}

// mostBetween is the most log between two snapshots, in bytes.
const mostBetween = 1 << 30

// between is how many bytes of log there are between two snapshots: half the
// image where that is more.
func (p *Plan) between(c *Costs) float64 {
	return max(c.LogBetween, min(p.image(c)/2, mostBetween))
}

// lead is what the leader does besides.
func (p *Plan) lead(c *Costs, l *Load) Use {
	churn := p.ChurnPerS / float64(p.Groups)
	log := l.Beats*c.BeatBytes + 2*churn*c.ChangeBytes + l.Entries*c.EntryBytes
	return Use{
		Cores: (l.Entries*c.EntryLeader + p.forwarded()*l.Beats*c.ForwardBeat/2) / 1e6,
		Gbit:  (p.replicas()*log + p.forwarded()*l.Beats*c.ForwardBytes/2) * 8 / 1e9,
	}
}

// forwarded is the part of the beats that another node than the leader takes.
func (p *Plan) forwarded() float64 {
	if p.Edges > 0 {
		return 1
	}
	return 1 - 1/float64(p.Voters)
}

// follow is what any other replica does for the leader's entries.
func (p *Plan) follow(c *Costs, l *Load) Use {
	return Use{
		Cores: l.Entries * c.EntryFollower / 1e6,
		Gbit:  (l.Beats*c.BeatBytes + l.Entries*c.EntryBytes) * 8 / 1e9,
	}
}

// front is what a node does for its clients: its part of all.
func (p *Plan) front(c *Costs, l *Load) Use {
	part := 1 / p.fronts()
	cpu, bytes := c.perBeat(p.Way)
	churn := p.ChurnPerS / float64(p.Groups)
	informed := 2 * p.ChurnPerS / p.Services * p.Watchers / float64(p.Groups)
	conns, watches := p.Leases/float64(p.Groups)/p.PerConn, p.Watchers/float64(p.Groups)
	each, sessions := c.ConnMemory, 0.
	if p.Way == Session {
		each, sessions = c.SessionMemory, conns
	}
	return Use{
		Cores:  part * (l.Beats*cpu + churn*c.HTTPGrant + informed*c.Inform) / 1e6,
		Gbit:   part * (l.Beats*bytes/2 + informed*c.EventBytes) * 8 / 1e9,
		Memory: part * (conns*each + watches*c.WatchMemory) / 1e9,
		Conns:  part * max(sessions, watches),
	}
}

// forward is what a node that does not lead does with the beats that it took.
func (p *Plan) forward(c *Costs, l *Load) Use {
	own := l.Beats / p.fronts()
	return Use{Cores: own * c.ForwardBeat / 2 / 1e6, Gbit: own * c.ForwardBytes / 2 * 8 / 1e9}
}

func (u Use) plus(v Use) Use {
	return Use{
		Cores: u.Cores + v.Cores, Gbit: u.Gbit + v.Gbit, Syncs: u.Syncs + v.Syncs,
		MBs: u.MBs + v.MBs, Memory: u.Memory + v.Memory, Conns: u.Conns + v.Conns,
	}
}
