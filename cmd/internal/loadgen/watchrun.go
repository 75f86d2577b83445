package loadgen

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Phases of a run with watchers, in order.
const (
	PhaseConnect = "connect"
	PhaseChange  = "change"
)

// WatchConfig says how many watchers hear of how many changes. Zero values take
// the defaults that stand beside the fields.
type WatchConfig struct {
	Target
	Watchers int           // of one service that only this run has; 500
	Duration time.Duration // of changing; 10 s
	Every    time.Duration // a change, a lease that comes or goes in turn; 200 ms. One waits for the one before
}

// WatchResult is what a run with watchers measured. As JSON it is the object of
// `bench watch -o json`.
type WatchResult struct {
	Mode    string  `json:"mode"`
	Seconds float64 `json:"seconds"` // of changing
	Changes int64   `json:"changes"` // that the cluster acknowledged
	Events  int64   `json:"events"`  // that watchers heard
	Errors  int64   `json:"errors"`  // changes that were refused or not answered

	Missed     int64 `json:"missed"`     // events that a watcher did not hear within the time-out
	Disordered int64 `json:"disordered"` // events that came twice or too late
	Broken     int64 `json:"broken"`     // streams that ended under the run
	Anew       int64 `json:"anew"`       // watches that had to begin anew

	Write Latency `json:"write_ms"` // of a change, until it was acknowledged
	First Latency `json:"first_ms"` // from its sending until the first watcher had it
	Last  Latency `json:"last_ms"`  // and until the last had it

	Usage // while changing; a request is a change

	Watchers    int              `json:"watchers"`
	Endpoints   []string         `json:"endpoints"`
	ErrorCodes  map[string]int64 `json:"error_codes"`
	Interrupted bool             `json:"interrupted"`
}

// WatchDefaults returns the configuration that a zero one becomes.
func WatchDefaults() WatchConfig { return WatchConfig{}.withDefaults() }

func (c WatchConfig) withDefaults() WatchConfig {
	c.Target = c.Target.withDefaults()
	orElse(&c.Watchers, 500)
	orElse(&c.Duration, 10*time.Second)
	orElse(&c.Every, 200*time.Millisecond)
	return c
}

func (c WatchConfig) validate() error {
	return errors.Join(
		c.Target.validate(),
		check(c.Watchers >= 1 && c.Watchers <= 100_000, "watchers %d: want 1 to 100,000", c.Watchers),
		check(c.Duration > 0, "duration %v: want more than 0", c.Duration),
		check(c.Every > 0, "every %v: want more than 0", c.Every),
	)
}

// watchRun is one run with watchers.
type watchRun struct {
	cfg      WatchConfig
	id       string // of the lease that comes and goes
	service  string
	arrivals *arrivals
	counts   watchCounts
	tally    *tally // of the changes

	first, last *hdrhistogram.Histogram
	// Of all changes together, by watchers: those that heard, and those that did
	// not in time.
	heard, missed int64
}

// RunWatch lets watchers hear of changes and returns how long that took. When
// ctx ends it returns what was measured until then. An error is a configuration
// that is wrong (ErrConfig), or watches that nobody serves.
func RunWatch(ctx context.Context, cfg WatchConfig) (*WatchResult, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	r := &watchRun{
		cfg: cfg, id: cfg.Prefix + "0", service: serviceOf(cfg.Prefix), arrivals: newArrivals(cfg.Watchers), tally: newTally(),
		first: newHistogram(), last: newHistogram(),
	}
	return r.drive(ctx)
}

// drive runs the watchers beside the changes. They outlive ctx until the last
// change was heard of.
func (r *watchRun) drive(ctx context.Context) (*WatchResult, error) {
	under, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watchers sync.WaitGroup
	err := r.connect(ctx, func(i int, ready func(), failed func(error)) {
		w := newWatcher(under, &r.cfg.Target, i, r.service, r.arrivals, &r.counts)
		watchers.Go(func() { w.run(ready, failed) })
	})
	meter := startMeter(ctx, &r.cfg.Target)
	started := time.Now()
	if err == nil {
		r.change(ctx)
	}
	took := time.Since(started)
	usage := meter.stop(r.tally.done.Load())
	stop()
	watchers.Wait()
	result := r.result(took)
	result.Usage = usage
	if result.Interrupted = ctx.Err() != nil; result.Interrupted {
		err = nil
	}
	return result, err
}

// connect starts the watchers, some at a time, and returns when all hear.
func (r *watchRun) connect(ctx context.Context, start func(i int, ready func(), failed func(error))) (err error) {
	counts := func() (int64, int64) { return r.counts.ready.Load(), r.counts.broken.Load() }
	during(r.cfg.Watch, Progress{Phase: PhaseConnect, Total: int64(r.cfg.Watchers)}, counts, func() {
		err = gather(ctx, r.cfg.Watchers, r.cfg.Timeout, start)
	})
	if err != nil {
		return fmt.Errorf("open watches: %d of %d are open: %w", r.counts.ready.Load(), r.cfg.Watchers, err)
	}
	return nil
}

// change makes changes for as long as the run takes, and waits for each to
// reach every watcher.
func (r *watchRun) change(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Duration)
	defer cancel()
	counts := func() (int64, int64) { return r.tally.done.Load(), r.tally.failed.Load() }
	during(r.cfg.Watch, Progress{Phase: PhaseChange, Of: r.cfg.Duration}, counts, func() {
		c := newChanger(context.WithoutCancel(ctx), r)
		defer c.end()
		tick := time.NewTicker(r.cfg.Every)
		defer tick.Stop()
		for ctx.Err() == nil {
			c.step()
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
}

func (r *watchRun) result(took time.Duration) *WatchResult {
	return &WatchResult{
		Mode: "watch", Seconds: took.Seconds(), Changes: r.tally.done.Load(), Events: r.heard, Errors: r.tally.failed.Load(),
		Missed: r.missed, Disordered: r.counts.disordered.Load(), Broken: r.counts.broken.Load(), Anew: r.counts.anew.Load(),
		Write: latencyOf(r.tally.latency), First: latencyOf(r.first), Last: latencyOf(r.last),
		Watchers: r.cfg.Watchers, Endpoints: r.cfg.Endpoints, ErrorCodes: r.tally.errors,
	}
}

// Failed returns an error when a watcher did not hear of every change once and
// in order, or there was none.
func (r *WatchResult) Failed() error {
	switch {
	case r.Missed > 0 || r.Disordered > 0:
		return fmt.Errorf("%d events were missed, %d came twice or out of order", r.Missed, r.Disordered)
	case r.Changes == 0 && !r.Interrupted:
		return fmt.Errorf("nothing was changed; errors by code: %v", r.ErrorCodes)
	}
	return nil
}
