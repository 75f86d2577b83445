package loadgen

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const cleanupMax = 60 * time.Second

// Phases of a run, in order.
const (
	PhaseGrant = "grant"
	PhaseRenew = "renew"
	PhaseEnd   = "clean up"
)

// run is one run of the driver. Its leases are dealt out anew for each phase:
// grants and endings take as many connections as they profit from, however few
// renew.
type run struct {
	cfg    Config
	leases []lease
	crew   []*worker // of the present phase
	result Result
}

// crewOf is how many connections grant and end; more only wait for the log.
const crewOf = 128

// Run drives the load and returns what it measured. When ctx ends it returns
// what was measured until then. An error is a configuration that is wrong
// (ErrConfig) or a refusal that no repetition would change; the result holds
// what was seen before it.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	r := newRun(cfg.fit())
	defer r.dismiss()
	err := r.measure(ctx)
	r.result.Interrupted = ctx.Err() != nil
	if !r.cfg.Keep {
		r.cleanUp(context.WithoutCancel(ctx))
	}
	return &r.result, err
}

func newRun(cfg Config) *run {
	r := &run{cfg: cfg, result: cfg.heading()}
	r.renumber(0)
	return r
}

// renumber makes the leases new ones, the first of that number.
func (r *run) renumber(first int) {
	r.leases = make([]lease, r.cfg.Leases)
	shape := r.cfg.shape()
	for i := range r.leases {
		r.leases[i] = lease{id: shape.id(r.cfg.Prefix, first+i), number: first + i}
	}
}

// hire deals the leases out to n workers.
func (r *run) hire(ctx context.Context, n int) {
	r.dismiss()
	for i := range n {
		first, end := i*len(r.leases)/n, (i+1)*len(r.leases)/n
		r.crew = append(r.crew, newWorker(ctx, &r.cfg, i, r.leases[first:end:end]))
	}
}

func (r *run) dismiss() {
	for _, w := range r.crew {
		w.conn.close()
	}
	r.crew = nil
}

// measure grants all leases once, and renews them for as many runs as are
// wanted.
func (r *run) measure(ctx context.Context) error {
	started := time.Now()
	err := r.grant(ctx)
	r.result.granted(r.tally(), time.Since(started))
	var runs []Renewed
	for err == nil && ctx.Err() == nil && len(runs) < r.cfg.Runs && len(r.leases) > 0 {
		one := r.renewMeasured(ctx)
		r.keepLiving()
		if ctx.Err() == nil || len(runs) == 0 { // what was not finished would spoil the medians
			runs = append(runs, one)
		}
	}
	if len(runs) > 0 {
		r.result.tell(runs)
	}
	return err
}

// renewMeasured renews for as long as one run takes.
func (r *run) renewMeasured(ctx context.Context) Renewed {
	r.hire(ctx, min(r.cfg.Workers, len(r.leases)))
	r.prepare(newSessionBeats)
	target := r.cfg.target()
	m := startMeter(ctx, &target)
	now := time.Now()
	s := schedule{start: now, until: now.Add(r.cfg.Duration), rate: r.cfg.Rate, connections: len(r.crew)}
	r.phase(Progress{Phase: PhaseRenew, Of: r.cfg.Duration}, func(w *worker) { w.renew(s.of(w.number, w.tally)) })
	took, t := time.Since(now), r.tally()
	return renewed(t, s, took, m.stop(t.requests))
}

// keepLiving forgets the leases that ended under the run.
func (r *run) keepLiving() {
	living := r.leases[:0] // workers hold theirs in the same order, so none is overwritten before it is read
	for _, w := range r.crew {
		for _, l := range w.leases {
			if l.epoch != 0 {
				living = append(living, l)
			}
		}
	}
	r.leases = living
}

// prepare connects the crew, all at once.
func (r *run) prepare(job func(*worker) sessionJob) {
	var workers sync.WaitGroup
	for _, w := range r.crew {
		workers.Go(func() { w.prepare(job) })
	}
	workers.Wait()
}

// grant registers all leases over as many connections as that profits from.
func (r *run) grant(ctx context.Context) error {
	n := min(max(crewOf, r.cfg.Workers), len(r.leases))
	return r.grantBy(ctx, n, func() schedule { return schedule{} })
}

// grantBy registers all leases over n connections, once begin has said by which
// schedule. The first refusal that is final ends it for all.
func (r *run) grantBy(ctx context.Context, n int, begin func() schedule) error {
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.hire(within, n)
	s := begin()
	r.phase(Progress{Phase: PhaseGrant, Total: int64(len(r.leases))}, func(w *worker) {
		if err := w.grant(s.of(w.number, w.tally)); err != nil {
			cancel(err)
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(within)
}

// cleanUp ends the leases, within a bound of time.
func (r *run) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, cleanupMax)
	defer cancel()
	var left atomic.Int64
	r.hire(ctx, min(crewOf, len(r.leases)))
	r.phase(Progress{Phase: PhaseEnd, Total: int64(len(r.leases))}, func(w *worker) { left.Add(int64(w.end())) })
	r.result.LeasesLeft += int(left.Load())
}

// phase lets every worker do its part, tells of the progress, and returns when
// all are done.
func (r *run) phase(p Progress, part func(*worker)) {
	during(r.cfg.Watch, p, r.counts, func() {
		var workers sync.WaitGroup
		for _, w := range r.crew {
			workers.Go(func() { part(w) })
		}
		workers.Wait()
	})
}

func (r *run) counts() (done, failed int64) {
	for _, w := range r.crew {
		done += w.tally.done.Load()
		failed += w.tally.failed.Load()
	}
	return done, failed
}

// tally adds up what the workers counted in the phase that just ended.
func (r *run) tally() *tally {
	sum := newTally()
	for _, w := range r.crew {
		sum.add(w.tally)
	}
	return sum
}

// Failed returns an error when nothing was renewed at all.
func (r *Result) Failed() error {
	if r.Renewals > 0 || r.Interrupted {
		return nil
	}
	return fmt.Errorf("nothing was renewed; errors by code: %v", r.ErrorCodes)
}
