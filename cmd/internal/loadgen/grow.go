package loadgen

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// errTooShort is returned when leases end while others are granted.
var errTooShort = errors.New("leases ended while others were granted: their TTL is too short for so many")

// growth registers a herd.
type growth struct {
	crew    []*keeper
	want    int64
	granted atomic.Int64
	all     chan struct{} // closed when all are granted

	once  sync.Once
	first error // the refusal that ended it
}

// grow registers all leases and keeps those that there are alive meanwhile, so
// that there may be more than are granted within a TTL. It returns what was
// granted. The first refusal that is final ends it for all. That leases ended is
// an error: a herd must be whole.
func (r *run) grow(ctx context.Context) (*tally, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := &growth{want: int64(len(r.leases)), all: make(chan struct{})}
	for i := range min(crewOf, len(r.leases)) {
		n := min(crewOf, len(r.leases))
		first, end := i*len(r.leases)/n, (i+1)*len(r.leases)/n
		g.crew = append(g.crew, newKeeper(ctx, &r.cfg, i, r.leases[first:end:end]))
	}
	during(r.cfg.Watch, Progress{Phase: PhaseGrant, Total: g.want}, g.counts, func() { g.run(cancel) })
	sum := newTally()
	lost := int64(0)
	for _, k := range g.crew {
		sum.add(k.tally)
		lost += k.beats.lost
	}
	if lost > 0 && g.first == nil {
		g.first = fmt.Errorf("%w: %d of %d did", errTooShort, lost, g.want)
	}
	return sum, g.first
}

func (g *growth) run(cancel context.CancelFunc) {
	var work sync.WaitGroup
	for _, k := range g.crew {
		work.Go(func() {
			defer k.conn.close()
			if err := k.grow(g.one, g.all); err != nil {
				g.once.Do(func() { g.first = err; cancel() })
			}
		})
	}
	work.Wait()
}

func (g *growth) one() {
	if g.granted.Add(1) == g.want {
		close(g.all)
	}
}

func (g *growth) counts() (done, failed int64) { return g.granted.Load(), failuresOf(g.crew) }

func failuresOf(crew []*keeper) (failed int64) {
	for _, k := range crew {
		failed += k.tally.failed.Load() + k.beats.failed.Load()
	}
	return failed
}
