package loadgen

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// soakRun is one soak. What it starts ends with the run's context; the counts
// of others are added up when all have ended.
type soakRun struct {
	cfg      SoakConfig
	herd     *run
	beaters  *beaters
	flaps    flapCounts
	flappers []*flapper
	watch    watchCounts
	events   atomic.Int64
	post     *soakPost
	lister   *lister
	sampler  *sampler
	result   SoakResult
}

// RunSoak drives a mixed load for long and returns what the nodes held
// meanwhile and whether anything was lost. When ctx ends it returns what was
// measured until then. An error is a configuration that is wrong (ErrConfig) or
// a refusal that no repetition would change.
func RunSoak(ctx context.Context, cfg SoakConfig) (*SoakResult, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	r := &soakRun{cfg: cfg, herd: newHerd(cfg.Target, cfg.Leases, cfg.TTL), sampler: newSampler(&cfg.Target, cfg.Every)}
	r.result = SoakResult{
		Mode: "soak", Leases: cfg.Leases, Growth: cfg.Growth, Endpoints: cfg.Endpoints, ErrorCodes: map[string]int64{},
	}
	defer r.herd.dismiss()
	err := r.drive(ctx)
	if r.result.Interrupted = ctx.Err() != nil; r.result.Interrupted {
		err = nil
	}
	r.herd.cleanUp(context.WithoutCancel(ctx))
	r.result.LeasesLeft = r.herd.result.LeasesLeft
	return &r.result, err
}

func (r *soakRun) drive(ctx context.Context) error {
	if _, err := r.herd.grow(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	under, stop := context.WithTimeout(ctx, r.cfg.Duration)
	defer stop()
	var running sync.WaitGroup
	started := time.Now()
	r.start(under, &running)
	during(r.cfg.Watch, Progress{Phase: PhaseSoak, Of: r.cfg.Duration}, r.beaters.counts, running.Wait)
	took := time.Since(started)
	r.sampler.take(ctx) // who is dead by now
	r.sum(took)
	r.herd.leases = r.beaters.living()
	checking, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupMax)
	defer cancel()
	found, err := r.herd.verify(checking, &r.cfg.Target)
	r.result.RenewalsLost = found.renewals
	r.result.LiveDied += found.ended
	r.result.Unverified += found.unverified
	return err
}

// start starts all loads; they end with ctx.
func (r *soakRun) start(ctx context.Context, running *sync.WaitGroup) {
	t := &r.cfg.Target
	r.beaters = newBeaters(ctx, &r.herd.cfg, r.herd.leases, r.cfg.Rate)
	r.beaters.start(running)
	service := flapService(r.herd.cfg.Service)
	for i := range max(r.cfg.Watchers, 0) {
		w := newWatch(ctx, t, i, service, &r.watch)
		w.note = func(heard, []byte, time.Time) { r.events.Add(1) }
		running.Go(func() { w.run(func() {}, func(error) {}) })
	}
	for i := range max(r.cfg.Flappers, 0) {
		f := newFlapper(ctx, t, i, service, &r.flaps)
		r.flappers = append(r.flappers, f)
		running.Go(f.flap)
	}
	if r.cfg.Mail > 0 {
		r.post = &soakPost{target: *t, rate: r.cfg.Mail}
		running.Go(func() { r.post.run(ctx) })
	}
	lists := ListConfig{Target: *t, Leases: r.cfg.Leases}.withDefaults()
	r.lister = newLister(ctx, &lists, 0)
	if r.cfg.Lists > 0 {
		running.Go(func() { r.lister.pace(r.cfg.Lists) })
	}
	running.Go(func() { r.sampler.run(ctx) })
}

// flapService is the service of the flappers beside that of the others.
func flapService(service string) string {
	const end = "-flap"
	return service[:min(len(service), wire.MaxName-len(end))] + end
}

// sum adds up what was counted; all goroutines are done.
func (r *soakRun) sum(took time.Duration) {
	out, all := &r.result, r.beaters.sum(partCalm)
	out.Seconds, out.Renewals, out.RenewalsPerS = took.Seconds(), all.done.Load(), perSecond(all.done.Load(), took)
	out.Latency, out.LiveDied = latencyOf(all.latency), all.lost-all.late
	out.Unverified = all.late
	for _, f := range r.flappers {
		all.add(f.tally)
	}
	out.Flaps, out.FlappedEarly, out.Unburied = r.flaps.flaps.Load(), r.flaps.early.Load(), r.flaps.unburied.Load()
	out.Events, out.Disordered, out.Broken = r.events.Load(), r.watch.disordered.Load(), r.watch.broken.Load()
	out.Lists, out.ListsWrong = r.lister.tally.done.Load(), r.lister.wrong
	all.add(r.lister.tally)
	out.Errors, out.ErrorCodes = all.failed.Load(), all.errors
	if r.post != nil {
		r.post.sum(out)
	}
	out.Nodes, out.Samples = r.sampler.nodes(r.cfg.Growth), r.sampler.taken
}

// pace lists at a rate until the run ends, or at once where it is behind.
func (l *lister) pace(rate float64) {
	defer l.conn.close()
	every := time.Duration(float64(time.Second) / rate)
	for due := time.Now(); l.ctx.Err() == nil; due = due.Add(every) {
		if pause(l.ctx, time.Until(due)); l.ctx.Err() == nil {
			l.one(due)
		}
	}
}
