package main

import "context"

func redisSingle(ctx context.Context, b *bench, r *redisServer) (sample, error) {
	leases, err := r.toRenew(ctx, b)
	if err != nil {
		return nil, err
	}
	of := b.size.connections
	out, err := closedLoop(ctx, r.nodes(), of, b.duration, func(ctx context.Context, n int) (func(context.Context) error, func(), error) {
		c, err := dialRedis(ctx, r.host, renewals(part(leases, n, of), long))
		if err != nil {
			return nil, nil, err
		}
		return c.step, c.close, nil
	})
	return out.rate(), err
}

func redisPipeline(ctx context.Context, b *bench, r *redisServer) (sample, error) {
	leases, err := r.toRenew(ctx, b)
	if err != nil {
		return nil, err
	}
	of := b.size.pipes
	out, err := pipelined(ctx, r.nodes(), of, b.size.depth, b.duration, func(ctx context.Context, n int) (pipe, func(), error) {
		c, err := dialRedis(ctx, r.host, renewals(part(leases, n, of), long))
		if err != nil {
			return nil, nil, err
		}
		return c, c.close, nil
	})
	return out.rate(), err
}

// toRenew grants the leases, or again those that are there.
func (r *redisServer) toRenew(ctx context.Context, b *bench) ([]lease, error) {
	return b.granted(ctx, r, "beat", b.size.leases, long)
}
