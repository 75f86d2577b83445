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
	r := &run{cfg: cfg, leases: make([]lease, cfg.Leases), result: cfg.heading()}
	for i := range r.leases {
		r.leases[i].id = cfg.shape().id(cfg.Prefix, i)
	}
	return r
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

func (r *run) measure(ctx context.Context) error {
	started := time.Now()
	err := r.grant(ctx)
	r.result.granted(r.tally(), time.Since(started))
	if err != nil || ctx.Err() != nil {
		return err
	}
	r.hire(ctx, r.cfg.Workers)
	started = time.Now()
	until := started.Add(r.cfg.Duration)
	r.phase(Progress{Phase: PhaseRenew, Of: r.cfg.Duration}, func(w *worker) { w.renew(until) })
	r.result.renewed(r.tally(), time.Since(started))
	return nil
}

// grant registers all leases. The first refusal that is final ends it for all.
func (r *run) grant(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		once  sync.Once
		first error
	)
	r.hire(ctx, min(max(crewOf, r.cfg.Workers), len(r.leases)))
	r.phase(Progress{Phase: PhaseGrant, Total: int64(len(r.leases))}, func(w *worker) {
		if err := w.grant(); err != nil {
			once.Do(func() { first = err; cancel() })
		}
	})
	return first
}

// cleanUp ends the leases, within a bound of time.
func (r *run) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, cleanupMax)
	defer cancel()
	var left atomic.Int64
	r.hire(ctx, min(crewOf, len(r.leases)))
	r.phase(Progress{Phase: PhaseEnd, Total: int64(len(r.leases))}, func(w *worker) { left.Add(int64(w.end())) })
	r.result.LeasesLeft = int(left.Load())
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
