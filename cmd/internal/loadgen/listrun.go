package loadgen

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// listRun is one run with lists.
type listRun struct {
	cfg     ListConfig
	herd    *run
	listers []*lister
	beaters *beaters
	result  ListResult
}

// RunList lists leases and returns how fast that was. When ctx ends it returns
// what was measured until then. An error is a configuration that is wrong
// (ErrConfig) or a refusal that no repetition would change.
func RunList(ctx context.Context, cfg ListConfig) (*ListResult, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return repeat(cfg.Runs, func() (*ListResult, error) { return listOnce(ctx, cfg) }, func() bool { return ctx.Err() != nil })
}

func listOnce(ctx context.Context, cfg ListConfig) (*ListResult, error) {
	r := &listRun{cfg: cfg, herd: newHerd(cfg.Target, cfg.Leases, cfg.ttl()), beaters: new(beaters)}
	r.result = ListResult{
		Mode: "list", Leases: cfg.Leases, Workers: cfg.Workers, Consistency: cfg.Consistency, Fields: cfg.Fields,
		LeasesPerList: cfg.page(), Endpoints: cfg.Endpoints, ErrorCodes: map[string]int64{},
	}
	defer r.herd.dismiss()
	err := r.drive(ctx)
	r.result.Interrupted = ctx.Err() != nil
	r.herd.cleanUp(context.WithoutCancel(ctx))
	r.result.LeasesLeft = r.herd.result.LeasesLeft
	return &r.result, err
}

func (r *listRun) drive(ctx context.Context) error {
	if err := r.herd.grant(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	for i := range r.cfg.Workers {
		r.listers = append(r.listers, newLister(ctx, &r.cfg, i))
	}
	meter, started := startMeter(ctx, &r.cfg.Target), time.Now()
	during(r.cfg.Watch, Progress{Phase: PhaseList, Of: r.cfg.Duration}, r.counts, func() { r.list(ctx) })
	r.sum(time.Since(started))
	r.result.Usage = meter.stop(r.result.Lists)
	return nil
}

// list lets the listers work, and the beaters beside them.
func (r *listRun) list(ctx context.Context) {
	beating, stop := context.WithCancel(ctx)
	defer stop()
	if r.cfg.Renew > 0 {
		r.beaters = newBeaters(beating, &r.herd.cfg, r.herd.leases, r.cfg.Renew)
	}
	var beaters, listers sync.WaitGroup
	r.beaters.start(&beaters)
	until := time.Now().Add(r.cfg.Duration)
	for _, l := range r.listers {
		listers.Go(func() { l.list(until) })
	}
	listers.Wait()
	stop()
	beaters.Wait()
}

func (r *listRun) counts() (done, failed int64) {
	for _, l := range r.listers {
		done += l.tally.done.Load()
		failed += l.tally.failed.Load()
	}
	return done, failed
}

// sum adds up what was counted; all goroutines are done.
func (r *listRun) sum(took time.Duration) {
	lists, beats, out := newTally(), r.beaters.sum(partCalm), &r.result
	bytes, whole := int64(0), int64(0)
	for _, l := range r.listers {
		lists.add(l.tally)
		out.Wrong += l.wrong
		out.NotModified += l.notModified
		bytes += l.bytes
		whole += l.whole
	}
	out.Seconds, out.Lists, out.ListsPerS = took.Seconds(), lists.done.Load(), perSecond(lists.done.Load(), took)
	out.MBPerS, out.BytesPerList = perSecond(bytes, took)/1e6, float64(bytes)/float64(max(whole, 1))
	out.Latency, out.RenewLatency = latencyOf(lists.latency), latencyOf(beats.latency)
	out.Renewals, out.LeasesLost = beats.done.Load(), beats.lost
	lists.add(beats)
	out.Errors, out.ErrorCodes = lists.failed.Load(), lists.errors
}
