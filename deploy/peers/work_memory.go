package main

import (
	"context"
	"time"
)

// weighing is what a lease costs in memory.
func weighing() *work {
	return &work{
		name:  "memory",
		most:  1,
		title: "Memory",
		about: "100,000 leases with the data of a grant: by how much the resident memory of the leader grew, 5 s after the last grant, against a node that was just started.",
		columns: []column{
			{"bytes a lease: median (least; most)", count},
			{"without files mapped into memory", count},
			{"leases granted in", seconds},
		},
		entries: []*entry{
			{ours, "rollcall", "leader of three nodes", on(weigh)},
			{etcds, "etcd, a lease and its key", "leader of three nodes", on(weigh)},
			{always, "Redis, a key", "the one process", on(weigh)},
		},
	}
}

func weigh(ctx context.Context, b *bench, s system) (sample, error) {
	leader, err := s.leader(ctx)
	if err != nil {
		return nil, err
	}
	before, err := s.nodes()[leader].resident()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if _, err := b.granted(ctx, s, "weigh", b.size.weighed, long); err != nil {
		return nil, err
	}
	took := time.Since(began)
	if err := pause(ctx, b.size.settle); err != nil {
		return nil, err
	}
	after, err := s.nodes()[leader].resident()
	if err != nil {
		return nil, err
	}
	n := float64(b.size.weighed)
	return sample{float64(after.all-before.all) / n, float64(after.anonymous-before.anonymous) / n, took.Seconds()}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
