package sim

import "time"

// Duration is how much virtual time one seed takes; the last calm of it is
// free of faults, so that what fell silent must be dead at the end.
const (
	Duration = 120 * time.Second
	calm     = 20 * time.Second
)

const (
	replicas = 3
	leases   = 20
)

// The shortest and longest TTL of a lease.
const (
	ttlMin = 500 * time.Millisecond
	ttlMax = 10 * time.Second
)

// ppm is the most by which a node's clock runs fast or slow.
const ppm = 500

// params are what a seed decides beforehand: runs that differ find more than
// runs that all do a little of everything.
type params struct {
	netMin, netMax time.Duration // one way between nodes
	edgeMax        time.Duration // one way between client and node
	loss, twice    float64       // of a client's request: lost, delivered again later
	linger         time.Duration // how long a batch waits for company
	notice         time.Duration // until a process notices that it leads or not
	apply          time.Duration // longest lag between commit and apply
	election       time.Duration // shortest election time-out
	idleTick       time.Duration // tick of a node that does not lead
	save, pack     time.Duration // of the durable image; of packed renewals
	faults         []fault       // which happen in this run
	every          time.Duration // mean time between faults
	encoded        bool          // entries go through the codec
	check          time.Duration // between Check commands
}

func draw(r *random) params {
	p := params{
		netMin: r.between(50*time.Microsecond, time.Millisecond), edgeMax: r.between(time.Millisecond, 20*time.Millisecond),
		linger: time.Duration(r.n(21)) * time.Millisecond, notice: r.between(100*time.Microsecond, 60*time.Millisecond),
		election: r.between(250*time.Millisecond, 600*time.Millisecond),
		idleTick: 100 * time.Millisecond, encoded: r.p(0.2),
		save: r.between(2*time.Second, 30*time.Second), pack: r.between(5*time.Second, 60*time.Second),
		every: r.between(2*time.Second, 15*time.Second), check: r.between(2*time.Second, 10*time.Second),
	}
	if r.p(0.2) {
		p.notice *= 8
	}
	p.netMax = p.netMin + r.between(100*time.Microsecond, 8*time.Millisecond)
	if r.p(0.3) {
		p.idleTick = 20 * time.Millisecond
	}
	if r.p(0.5) {
		p.apply = r.between(0, 30*time.Millisecond)
	}
	if r.p(0.4) {
		p.loss = float64(r.n(100)) / 1000
	}
	if r.p(0.6) {
		p.twice = float64(r.n(100)) / 1000
	}
	for f := range faultKinds {
		if r.p(0.6) {
			p.faults = append(p.faults, f)
		}
	}
	return p
}

// drawTTL favours seconds over fractions, as users do.
func drawTTL(r *random) time.Duration {
	ttl := r.between(2*time.Second, ttlMax)
	if r.p(0.1) {
		ttl = r.between(ttlMin, 2*time.Second)
	}
	return ttl.Truncate(time.Millisecond)
}
