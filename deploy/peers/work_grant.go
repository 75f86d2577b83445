package main

import "context"

// granting is a lease with its data, each a new id.
func granting() *work {
	const twoEntries = "both on the disks of a majority"
	return &work{
		name:    "grant",
		title:   "Grants",
		about:   "A new lease with an id of 40 bytes, a service, an address, a port, two tags and one meta pair, over 64 connections.",
		columns: rates(),
		entries: []*entry{
			{ours, "rollcall, PUT over HTTP, all nodes", onMajority, on(grants(false))},
			{etcds, "etcd, LeaseGrant and Put, all nodes", twoEntries, on(grants(false))},
			{etcds, "etcd, LeaseGrant and Put, the leader only", twoEntries, on(grants(true))},
			{always, "Redis, SET with PX, appendfsync always", redisAlways, on(grants(false))},
			{everysec, "Redis, SET with PX, appendfsync everysec", redisLater, on(grants(false))},
		},
	}
}

func grants(leaderOnly bool) func(context.Context, *bench, system) (sample, error) {
	return func(ctx context.Context, b *bench, s system) (sample, error) {
		leader, err := s.leader(ctx)
		if err != nil {
			return nil, err
		}
		out, err := closedLoop(ctx, s.nodes(), b.size.writers, b.duration, func(ctx context.Context, n int) (func(context.Context) error, func(), error) {
			node, class := n%len(s.nodes()), "grant"
			if leaderOnly {
				node, class = leader, "lead"
			}
			w, err := s.writer(ctx, node)
			if err != nil {
				return nil, nil, err
			}
			next := n
			return func(ctx context.Context) error {
				_, err := w.grant(ctx, idOf(class, next), long)
				next += b.size.writers
				return err
			}, w.close, nil
		})
		return out.rate(), err
	}
}
