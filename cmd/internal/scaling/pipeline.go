package scaling

import "math/rand/v2"

const (
	slice = 100 // microseconds: what arrives in one is taken as one
	// waitingMost is how many beats may wait: of batches a million, singles less.
	waitingMost    = 1_000_000
	singlesMost    = 65_536
	retryAfter     = 1_000_000 // microseconds until a refused beat comes again
	warmUp         = 1_000_000 // microseconds that are not counted
	appliedLatency = 0.5       // the part of an entry's processor time that its beats wait for
)

// Pipeline is the way of beats through a leader's collector and log: arrivals,
// company, batches of at most 8,000, two of them on their way, each as long as
// the disk, the followers and the state machine need.
type Pipeline struct {
	Rate    float64 // beats a second, independent of one another
	Seconds float64 // of virtual time, after a second of warming up
	Seed    uint64
	Way     Way
	// LostS and BackMS: the leader is lost so many seconds after the warming up,
	// and the next commits so many milliseconds later. 0: no loss.
	LostS, BackMS float64
}

// Passage is how the beats fared.
type Passage struct {
	P50, P99, P999, Max float64 // milliseconds until the commit was applied
	Entries             float64 // a second
	PerEntry            float64 // beats
	Left                int     // beats that wait at the end
	Refused             int     // beats that found no room, and came again
	NormalS             float64 // after a loss: until fewer wait than a full entry holds
}

// pipe is a run of a Pipeline. Times are microseconds.
type pipe struct {
	Pipeline
	random   *rand.Rand
	now      float64
	queue    []cohort // that wait, the first at head
	head     int
	waiting  int
	flights  []float64 // when those on their way are applied
	diskFree float64
	freeAt   float64 // the state machine
	again    map[int]int
	passed   latencies
	entries  int
	out      Passage

	sync, syncs, apply, entry float64
}

// cohort is beats that arrived together.
type cohort struct {
	at float64
	n  int
}

// Run runs the pipeline: the same for the same seed.
func (p Pipeline) Run(plan *Plan, c *Costs) Passage {
	r := &pipe{
		Pipeline: p, random: rand.New(rand.NewPCG(p.Seed, 1)), again: make(map[int]int),
		sync: plan.SyncMS * 1000, syncs: c.Syncs, apply: c.ApplyBeat, entry: c.EntryLeader * appliedLatency,
	}
	end := warmUp + p.Seconds*1e6
	for step := 0; r.now < end; step++ {
		r.now = float64(step) * slice
		r.arrive(step)
		r.land()
		for r.leaves() {
			r.send()
		}
		r.settle()
	}
	return r.result()
}

// arrive lets the beats of a slice come, and those that were refused before.
func (r *pipe) arrive(step int) {
	n := poisson(r.random, r.Rate*slice/1e6) + r.again[step]
	delete(r.again, step)
	room := waitingMost
	if r.Way != Batch {
		room = singlesMost
	}
	if over := r.waiting + n - room; over > 0 {
		over = min(over, n)
		n -= over
		r.again[step+retryAfter/slice] += over
		r.out.Refused += over
	}
	if n > 0 {
		r.queue = append(r.queue, cohort{r.now, n})
		r.waiting += n
	}
}

// land frees the places of the entries that are applied by now.
func (r *pipe) land() {
	kept := r.flights[:0]
	for _, done := range r.flights {
		if done > r.now {
			kept = append(kept, done)
		}
	}
	r.flights = kept
}

// leaves says that an entry leaves now.
func (r *pipe) leaves() bool {
	if r.waiting == 0 || len(r.flights) >= inFlight || r.lost() {
		return false
	}
	linger := company / r.Rate * 1e6
	if linger < lingerLeast*1000 {
		return true
	}
	return r.waiting >= company || r.now-r.queue[r.head].at >= min(linger, lingerMost*1000)
}

// lost says that there is no leader now.
func (r *pipe) lost() bool {
	from := warmUp + r.LostS*1e6
	return r.BackMS > 0 && r.now >= from && r.now < from+r.BackMS*1000
}

// send proposes an entry of the beats that have waited longest.
func (r *pipe) send() {
	n := min(r.waiting, batchMost)
	disk := 0.
	for range int(r.syncs) {
		disk += r.sync * sample(r.random, syncSpread)
	}
	r.diskFree = max(r.now, r.diskFree) + disk
	r.freeAt = max(r.diskFree+r.entry, r.freeAt) + float64(n)*r.apply
	r.flights = append(r.flights, r.freeAt)
	r.entries++
	r.take(n)
}

// take takes beats out of the queue and counts what they waited.
func (r *pipe) take(n int) {
	r.waiting -= n
	for n > 0 {
		first := &r.queue[r.head]
		part := min(n, first.n)
		if r.now >= warmUp {
			r.passed.add(r.freeAt-first.at, part)
		}
		n -= part
		if first.n -= part; first.n == 0 {
			r.head++
		}
	}
	if r.head > len(r.queue)/2 {
		r.queue = append(r.queue[:0], r.queue[r.head:]...)
		r.head = 0
	}
}

// settle notes when all is as before a loss.
func (r *pipe) settle() {
	back := warmUp + r.LostS*1e6 + r.BackMS*1000
	if r.BackMS > 0 && r.out.NormalS == 0 && r.now > back && r.waiting < batchMost && len(r.again) == 0 {
		r.out.NormalS = (r.now - back) / 1e6
	}
}

func (r *pipe) result() Passage {
	p := r.out
	p.P50, p.P99, p.P999, p.Max = r.passed.at(0.5), r.passed.at(0.99), r.passed.at(0.999), r.passed.most/1000
	p.Entries = float64(r.entries) / (r.now / 1e6)
	p.PerEntry = float64(r.passed.total) / max(1, p.Entries*r.Seconds)
	p.Left = r.waiting
	return p
}

// Breaks returns the greatest rate, to a hundredth, at which the p99 is at most
// so many milliseconds.
func (p Pipeline) Breaks(plan *Plan, c *Costs, most float64) float64 {
	low, high := 0., 1e8
	for high-low > 0.01*high && high > 1 {
		p.Rate = (low + high) / 2
		if out := p.Run(plan, c); out.P99 > most || out.Left > 10*batchMost {
			high = p.Rate
		} else {
			low = p.Rate
		}
	}
	return low
}
