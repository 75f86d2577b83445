package scaling

import "math"

// Failure is what the loss of a node costs. All times are in seconds, infinite
// where it never ends.
type Failure struct {
	// KeptS is how long a follower may be away and still catch up from the log.
	KeptS float64
	// LogS is how long that takes then.
	LogS float64
	// ImageMB is what a snapshot transfers otherwise, and ImageS how long it takes
	// until its node has caught up: sending, loading, and the log since.
	ImageMB, ImageS float64
	// StormS is how long the other nodes need to take the clients of a lost one in,
	// each with a connection and a heartbeat; Clients is how many there are.
	StormS, Clients float64
	// Waiting is how many beats wait when the next leader commits first, and
	// DrainS how long until none waits.
	Waiting, DrainS float64
}

// catchUp is how many cores a follower that is behind takes entries in with:
// Raft hands them to the state machine one after another.
const catchUp = 1

// Fail works a plan's failures out; a time is 0 where nobody is left to do it.
func (p *Plan) Fail(c *Costs) Failure {
	l := p.Work(c)
	var f Failure
	log := l.Beats*c.BeatBytes + l.Entries*c.EntryBytes
	f.KeptS = p.between(c) / 2 / log
	f.LogS = p.applied(c, &l, f.KeptS)
	image := p.image(c)
	f.ImageMB = image / 1e6
	sent := image / min(p.NICGbit/2*1e9/8, p.DiskMBs*1e6)
	loaded := p.Leases / float64(p.Groups) * c.LoadLease / 1e6
	f.ImageS = sent + loaded + p.applied(c, &l, sent+loaded)
	p.storm(c, &f)
	f.Waiting = l.Beats * c.FailoverMS / 1000
	f.DrainS = f.Waiting / max(1, p.pipeline(c)-l.Beats)
	return f
}

// applied is how long a follower needs for what came in so many seconds, while
// more comes; for ever where more comes than it can take.
func (p *Plan) applied(c *Costs, l *Load, away float64) float64 {
	busy := (l.Beats*c.ApplyBeat + l.Entries*c.EntryReplayed) / 1e6
	if busy >= catchUp {
		return math.Inf(1)
	}
	return away * busy / (catchUp - busy)
}

// pipeline is how many beats a second two full entries at a time carry.
func (p *Plan) pipeline(c *Costs) float64 {
	disk, latency := p.passage(c)
	apply := batchMost * c.ApplyBeat / 1e6
	return batchMost * min(inFlight/(disk+latency+apply), 1/disk, 1/apply)
}

// storm works out what the clients of a lost node cost the others.
func (p *Plan) storm(c *Costs, f *Failure) {
	fronts, need := p.fronts(), p.Need(c)
	lost := &need.Voter
	if p.Edges > 0 {
		lost = &need.Edge
	}
	f.Clients = p.Leases / float64(p.Groups) / p.PerConn / fronts
	f.StormS = math.Inf(1)
	if fronts < 2 {
		return
	}
	cpu, _ := c.perBeat(p.Way)
	work := f.Clients * (c.Connect + p.PerConn*cpu) / 1e6
	spare := (fronts - 1) * (p.Cores - lost.Cores*fronts/(fronts-1))
	if spare > 0 {
		f.StormS = work / spare
	}
}
