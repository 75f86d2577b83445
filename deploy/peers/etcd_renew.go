package main

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// nodeFor says to which node the nth connection goes.
type nodeFor func(n int) int

// renewer grants the leases of etcd once, and lets them be renewed.
func renewer(
	leaderOnly bool, run func(context.Context, *bench, *etcd, nodeFor, []lease) (outcome, error),
) func(context.Context, *bench, *etcd) (sample, error) {
	return func(ctx context.Context, b *bench, e *etcd) (sample, error) {
		leader, err := e.leader(ctx)
		if err != nil {
			return nil, err
		}
		if e.renewed == nil {
			if e.renewed, err = b.granted(ctx, e, "beat", b.size.leases, long); err != nil {
				return nil, err
			}
		}
		to := func(n int) int { return n % len(e.hosts) }
		if leaderOnly {
			to = func(int) int { return leader }
		}
		out, err := run(ctx, b, e, to, e.renewed)
		return out.rate(), err
	}
}

// etcdUnary is what a client does that wants one answer: a stream a heartbeat.
func etcdUnary(ctx context.Context, b *bench, e *etcd, to nodeFor, leases []lease) (outcome, error) {
	of := b.size.connections
	return closedLoop(ctx, e.nodes(), of, b.duration, func(ctx context.Context, n int) (func(context.Context) error, func(), error) {
		c, err := e.dial(ctx, to(n))
		if err != nil {
			return nil, nil, err
		}
		mine, next := part(leases, n, of), 0
		return func(ctx context.Context) error {
			l := mine[next]
			next = (next + 1) % len(mine)
			_, err := c.KeepAliveOnce(ctx, clientv3.LeaseID(l.number))
			return err
		}, func() { c.Close() }, nil
	})
}

func etcdGateway(ctx context.Context, b *bench, e *etcd, to nodeFor, leases []lease) (outcome, error) {
	of := b.size.connections
	return closedLoop(ctx, e.nodes(), of, b.duration, func(ctx context.Context, n int) (func(context.Context) error, func(), error) {
		c, err := dialHTTP(ctx, e.hosts[to(n)])
		if err != nil {
			return nil, nil, err
		}
		mine, next := part(leases, n, of), 0
		return func(context.Context) error {
			l := mine[next]
			next = (next + 1) % len(mine)
			answer, err := c.call(c.compose("POST", "/v3/lease/keepalive", fmt.Appendf(nil, `{"ID":"%d"}`, l.number)))
			if err == nil && between(answer, `"TTL":"`, `"`) == "" {
				return fmt.Errorf("%w: %s", errAnswer, answer)
			}
			return err
		}, c.close, nil
	})
}

func etcdStreams(ctx context.Context, b *bench, e *etcd, to nodeFor, leases []lease) (outcome, error) {
	of := b.size.connections
	return closedLoop(ctx, e.nodes(), of, b.duration, func(ctx context.Context, n int) (func(context.Context) error, func(), error) {
		p, end, err := e.openStream(ctx, to(n), part(leases, n, of))
		if err != nil {
			return nil, nil, err
		}
		return func(context.Context) error {
			if err := p.send(); err != nil {
				return err
			}
			return p.receive()
		}, end, nil
	})
}

func etcdPipeline(ctx context.Context, b *bench, e *etcd, to nodeFor, leases []lease) (outcome, error) {
	of := b.size.pipes
	return pipelined(ctx, e.nodes(), of, b.size.depth, b.duration, func(ctx context.Context, n int) (pipe, func(), error) {
		return e.openStream(ctx, to(n), part(leases, n, of))
	})
}
