package loadgen

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// maxBeaters bounds the connections over which beaters send.
const maxBeaters = 64

// Parts of a run whose heartbeats are counted apart.
const (
	partCalm = iota
	partStorm
	partAfter
	parts
)

// beaters send single heartbeats of their leases by a timetable, whatever the
// answers take: a latency counts from when the heartbeat was due. Each lease
// has one beater, each beater one connection and one goroutine.
type beaters struct {
	crew []*beater
	part atomic.Int32 // under which new heartbeats are counted
}

type beater struct {
	*worker
	owner   *beaters
	every   time.Duration // between two heartbeats
	tallies [parts]*tally
}

// newBeaters deals the leases out so that all together are renewed rate times a
// second. The leases are theirs until they are done.
func newBeaters(ctx context.Context, cfg *Config, leases []lease, rate float64) *beaters {
	b := new(beaters)
	n := min(maxBeaters, len(leases), int(rate/10)+1)
	for i := range n {
		first, end := i*len(leases)/n, (i+1)*len(leases)/n
		one := &beater{
			worker: newWorker(ctx, cfg, i, leases[first:end:end]), owner: b,
			every: time.Duration(float64(n) / rate * float64(time.Second)),
		}
		for part := range one.tallies {
			one.tallies[part] = newTally()
		}
		b.crew = append(b.crew, one)
	}
	return b
}

// start lets them begin, each a little after the one before.
func (b *beaters) start(running *sync.WaitGroup) {
	now := time.Now()
	for i, one := range b.crew {
		first := now.Add(one.every * time.Duration(i) / time.Duration(len(b.crew)))
		running.Go(func() { one.beat(first) })
	}
}

// beat sends until the run ends, or none of the leases lives any more.
func (b *beater) beat(due time.Time) {
	defer b.conn.close()
	for len(b.leases) > 0 {
		pause(b.ctx, time.Until(due))
		if b.ctx.Err() != nil {
			return
		}
		b.tally = b.tallies[b.owner.part.Load()]
		b.renewOne(due)
		due = due.Add(b.every)
	}
}

// living are the leases that did not end under them; all beaters are done.
func (b *beaters) living() (out []lease) {
	for _, one := range b.crew {
		out = append(out, one.leases...)
	}
	return out
}

// counts are those of all parts; they may be asked for at any time.
func (b *beaters) counts() (done, failed int64) {
	for _, one := range b.crew {
		for _, t := range one.tallies {
			done += t.done.Load()
			failed += t.failed.Load()
		}
	}
	return done, failed
}

// sum adds up what was counted under one part; all beaters are done.
func (b *beaters) sum(part int) *tally {
	sum := newTally()
	for _, one := range b.crew {
		sum.add(one.tallies[part])
	}
	return sum
}
