package loadgen

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	watchEvery = 250 * time.Millisecond
	cleanupMax = 60 * time.Second
)

// Phases of a run, in order.
const (
	PhaseGrant = "grant"
	PhaseRenew = "renew"
	PhaseEnd   = "clean up"
)

// Progress is how far a run is.
type Progress struct {
	Phase   string
	Done    int64 // acknowledged in this phase
	Total   int64 // of grants and endings; 0 while renewing, which ends by time
	Failed  int64
	Elapsed time.Duration // of this phase
	Of      time.Duration // while renewing: how long it will take
}

// run is one run of the driver.
type run struct {
	cfg     Config
	workers []*worker
	result  Result
}

// Run drives the load and returns what it measured. When ctx ends it returns
// what was measured until then. An error is a configuration that is wrong
// (ErrConfig) or a refusal that no repetition would change; the result holds what was seen before it.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	r := &run{cfg: cfg.fit()}
	r.result = r.cfg.heading()
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for i := range r.cfg.Workers {
		r.workers = append(r.workers, newWorker(running, &r.cfg, i))
	}
	defer r.close()
	err := r.measure(running, cancel)
	r.result.Interrupted = ctx.Err() != nil
	if !r.cfg.Keep {
		r.cleanUp(context.WithoutCancel(ctx))
	}
	return &r.result, err
}

func (r *run) measure(ctx context.Context, cancel context.CancelCauseFunc) error {
	started := time.Now()
	err := r.grant(cancel)
	r.result.granted(r.tally(), time.Since(started))
	if err != nil || ctx.Err() != nil {
		return err
	}
	for i, w := range r.workers {
		w.begin(ctx, i)
	}
	started = time.Now()
	until := started.Add(r.cfg.Duration)
	r.phase(Progress{Phase: PhaseRenew, Of: r.cfg.Duration}, func(w *worker) { w.renew(until) })
	r.result.renewed(r.tally(), time.Since(started))
	return nil
}

// grant registers all leases. The first refusal that is final ends it for all.
func (r *run) grant(cancel context.CancelCauseFunc) error {
	var (
		once  sync.Once
		first error
	)
	r.phase(Progress{Phase: PhaseGrant, Total: int64(r.cfg.Leases)}, func(w *worker) {
		if err := w.grant(); err != nil {
			once.Do(func() { first = err; cancel(err) })
		}
	})
	return first
}

// cleanUp ends the leases, within a bound of time.
func (r *run) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, cleanupMax)
	defer cancel()
	var (
		mu   sync.Mutex
		left int
	)
	for i, w := range r.workers {
		w.begin(ctx, i)
	}
	total := int64(0)
	for _, w := range r.workers {
		total += int64(len(w.leases))
	}
	r.phase(Progress{Phase: PhaseEnd, Total: total}, func(w *worker) {
		n := w.end()
		mu.Lock()
		defer mu.Unlock()
		left += n
	})
	r.result.LeasesLeft = left
}

// phase lets every worker do its part, tells of the progress, and returns when
// all are done.
func (r *run) phase(p Progress, part func(*worker)) {
	var workers, watcher sync.WaitGroup
	done := make(chan struct{})
	if r.cfg.Watch != nil {
		watcher.Go(func() { r.watch(p, done) })
	}
	for _, w := range r.workers {
		workers.Go(func() { part(w) })
	}
	workers.Wait()
	close(done)
	watcher.Wait()
}

func (r *run) watch(p Progress, done <-chan struct{}) {
	started := time.Now()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-done:
			last = true
		}
		p.Done, p.Failed, p.Elapsed = 0, 0, time.Since(started)
		for _, w := range r.workers {
			p.Done += w.tally.done.Load()
			p.Failed += w.tally.failed.Load()
		}
		r.cfg.Watch(p)
	}
}

// tally adds up what the workers counted in the phase that just ended.
func (r *run) tally() *tally {
	sum := newTally()
	for _, w := range r.workers {
		sum.add(w.tally)
	}
	return sum
}

func (r *run) close() {
	for _, w := range r.workers {
		w.conn.close()
	}
}

// Failed returns an error when nothing was renewed at all.
func (r *Result) Failed() error {
	if r.Renewals > 0 || r.Interrupted {
		return nil
	}
	return fmt.Errorf("nothing was renewed; errors by code: %v", r.ErrorCodes)
}
