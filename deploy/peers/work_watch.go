package main

import (
	"context"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// watching is how long a change takes to the last of many watchers.
func watching() *work {
	return &work{
		name:  "watch",
		title: "Watches",
		about: "500 watchers of one service, each over a connection of its own; a lease of it comes or goes every 200 ms. From before the change was sent until the last watcher has it, p50 of a run.",
		columns: []column{
			{"the last informed, p50: median (least; most)", millis},
			{"p99", millis},
			{"the change acknowledged, p50", millis},
		},
		entries: []*entry{
			{ours, "rollcall, server-sent events, all nodes", "once and in order; resumes without a gap", on(watch)},
			{etcds, "etcd, Watch, all nodes", "once and in order; resumes without a gap", on(watch)},
			{always, "Redis, keyspace notifications, appendfsync always", "at most once; lost while away", on(watch)},
		},
	}
}

func watch(ctx context.Context, b *bench, s system) (sample, error) {
	a, dismiss, err := gather(ctx, s, b.size.watches, "watch")
	if err != nil {
		return nil, err
	}
	defer dismiss()
	w, err := s.writer(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer w.close()
	c := changer{w: w, a: a, last: newHistogram(), acked: newHistogram()}
	if err := c.during(ctx, b); err != nil {
		return nil, err
	}
	return sample{quantile(c.last, 50), quantile(c.last, 99), quantile(c.acked, 50)}, nil
}

func quantile(h *hdrhistogram.Histogram, q float64) float64 {
	return toMS(time.Duration(h.ValueAtQuantile(q)) * time.Microsecond)
}

// changer lets one lease come and go, and waits each time until all have heard.
type changer struct {
	w           writer
	a           *audience
	last, acked *hdrhistogram.Histogram
	held        lease // while it is there
	there       bool
}

func (c *changer) during(ctx context.Context, b *bench) error {
	next := time.NewTicker(b.size.pause)
	defer next.Stop()
	for until := time.Now().Add(b.duration); time.Now().Before(until); <-next.C {
		if err := c.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *changer) step(ctx context.Context) error {
	id := idOf("watch", 1)
	all := c.a.expect(change{id: id, gone: c.there})
	began := time.Now()
	if err := c.change(ctx, id); err != nil {
		return err
	}
	record(c.acked, time.Since(began))
	last, err := c.a.wait(ctx, all)
	if err == nil {
		record(c.last, last.Sub(began))
	}
	return err
}

func (c *changer) change(ctx context.Context, id string) (err error) {
	if c.there {
		err = c.w.end(ctx, c.held)
	} else {
		c.held, err = c.w.grant(ctx, id, long)
	}
	c.there = !c.there
	return err
}
