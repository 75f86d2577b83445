package loadgen

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// stormRun is one storm. The first leases of the herd fall silent; of the
// others the first are renewed one by one, the rest in batches.
type stormRun struct {
	cfg     StormConfig
	herd    *run
	burials *burials
	watch   watchCounts
	beaters *beaters
	keepers []*keeper // of those that live on, and then of the silent
	living  int       // of the keepers, of those that live on
	result  StormResult
}

// RunStorm lets leases fall silent at once and returns how they were buried,
// and what the others felt of it. When ctx ends it returns what was measured
// until then. An error is a configuration that is wrong (ErrConfig), a watch
// that nobody serves, or a refusal that no repetition would change.
func RunStorm(ctx context.Context, cfg StormConfig) (*StormResult, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return repeat(cfg.Runs, func() (*StormResult, error) { return stormOnce(ctx, cfg) }, func() bool { return ctx.Err() != nil })
}

func stormOnce(ctx context.Context, cfg StormConfig) (*StormResult, error) {
	r := &stormRun{cfg: cfg, herd: newHerd(cfg.Target, cfg.Leases, cfg.TTL), beaters: new(beaters)}
	r.burials = newBurials(cfg.Prefix, cfg.Leases, cfg.Silent, cfg.TTL)
	r.result = StormResult{
		Mode: "storm", Leases: cfg.Leases, Silent: cfg.Silent, TTLMS: cfg.TTL.Milliseconds(),
		Endpoints: cfg.Endpoints, ErrorCodes: map[string]int64{},
	}
	defer r.herd.dismiss()
	err := r.drive(ctx)
	if r.result.Interrupted = ctx.Err() != nil; r.result.Interrupted {
		err = nil
	}
	r.cleanUp(context.WithoutCancel(ctx))
	return &r.result, err
}

// drive grants, listens, and lets the storm begin.
func (r *stormRun) drive(ctx context.Context) error {
	if err := r.grant(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	under, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	r.live(under, &running)
	if err := r.listen(ctx, under, &running); err != nil {
		return err
	}
	r.silence(ctx)
	meter := startMeter(ctx, &r.cfg.Target)
	r.await(ctx)
	r.result.Usage = meter.stop(r.burials.known())
	stop()
	running.Wait()
	r.sum()
	return nil
}

func (r *stormRun) grant(ctx context.Context) error {
	started := time.Now()
	grants, err := r.herd.grow(ctx)
	took, out := time.Since(started), &r.result
	out.Grants, out.GrantsPerS, out.GrantLatency = grants.done.Load(), perSecond(grants.done.Load(), took), latencyOf(grants.latency)
	return err
}

// live starts those who renew what lives on.
func (r *stormRun) live(ctx context.Context, running *sync.WaitGroup) {
	leases := r.herd.leases[r.cfg.Silent:]
	single := r.cfg.single()
	if single > 0 {
		r.beaters = newBeaters(ctx, &r.herd.cfg, leases[:single:single], r.cfg.LiveRate)
	}
	r.beaters.start(running)
	r.keepers = newKeepers(ctx, &r.herd.cfg, herdKeepers, leases[single:])
	r.living = len(r.keepers)
	for _, k := range r.keepers {
		running.Go(k.keep)
	}
}

// listen opens the watch that tells of burials. It begins with what comes after
// the last grant.
func (r *stormRun) listen(ctx, under context.Context, running *sync.WaitGroup) error {
	last := uint64(0)
	for i := range r.herd.leases {
		last = max(last, r.herd.leases[i].epoch) // the revision of its grant
	}
	w := newWatch(under, &r.cfg.Target, 0, r.herd.cfg.Service, &r.watch)
	w.after(last)
	w.note = r.burials.note
	err := gather(ctx, 1, r.cfg.Timeout, func(_ int, ready func(), failed func(error)) {
		running.Go(func() { w.run(ready, failed) })
	})
	if err != nil {
		return fmt.Errorf("open the watch: %w", err)
	}
	return nil
}

// silence renews those that fall silent for the last time, as fast as it goes.
func (r *stormRun) silence(ctx context.Context) {
	crew := newKeepers(ctx, &r.herd.cfg, herdKeepers, r.herd.leases[:r.cfg.Silent])
	counts := func() (int64, int64) { return r.burials.expected(), failuresOf(crew) }
	during(r.cfg.Watch, Progress{Phase: PhaseSilence, Total: int64(r.cfg.Silent)}, counts, func() {
		var work sync.WaitGroup
		for _, k := range crew {
			work.Go(func() {
				defer k.conn.close()
				k.round(k.leases, r.burials.expect)
			})
		}
		work.Wait()
	})
	r.keepers = append(r.keepers, crew...)
}

// await waits until all are buried, or patience ends.
func (r *stormRun) await(ctx context.Context) {
	first, last := r.burials.due()
	counts := func() (int64, int64) { return r.burials.known(), 0 }
	during(r.cfg.Watch, Progress{Phase: PhaseStorm, Total: int64(r.cfg.Silent)}, counts, func() {
		storm := time.AfterFunc(time.Until(first), func() { r.beaters.part.CompareAndSwap(partCalm, partStorm) })
		defer storm.Stop()
		patience := time.NewTimer(time.Until(last.Add(r.cfg.Patience)))
		defer patience.Stop()
		select {
		case <-r.burials.all:
		case <-patience.C:
		case <-ctx.Done():
		}
		r.beaters.part.Store(partAfter)
	})
}

// cleanUp ends what lives on. The dead have nothing to end.
func (r *stormRun) cleanUp(ctx context.Context) {
	r.burials.forget(r.herd.leases)
	r.herd.cleanUp(ctx)
	r.result.LeasesLeft = r.herd.result.LeasesLeft
}

// sum adds up what was counted; all goroutines are done.
func (r *stormRun) sum() {
	calm, storm, after := r.beaters.sum(partCalm), r.beaters.sum(partStorm), r.beaters.sum(partAfter)
	out := &r.result
	out.Calm, out.Storm = latencyOf(calm.latency), latencyOf(storm.latency)
	calm.add(storm)
	calm.add(after)
	out.LiveBeats = calm.done.Load()
	for _, k := range r.keepers[:r.living] {
		calm.add(k.beats)
	}
	late := calm.late
	for _, k := range r.keepers[r.living:] {
		calm.add(k.beats)
	}
	out.Errors, out.ErrorCodes = calm.failed.Load(), calm.errors
	out.Broken, out.Anew = r.watch.broken.Load(), r.watch.anew.Load()
	r.burials.sum(out)
	out.LiveLate = min(late, out.LiveDied)
	out.LiveDied -= out.LiveLate
}
