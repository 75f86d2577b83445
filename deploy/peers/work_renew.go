package main

import (
	"context"
	"strconv"
)

// What an acknowledged heartbeat means.
const (
	onMajority  = "on the disks of a majority"
	etcdBeat    = "in the leader's memory; neither on a disk nor at a follower"
	redisAlways = "on the one disk; a replica would follow later"
	redisLater  = "in memory, on the one disk within a second; a replica would follow later"
)

// renewing is the heartbeat.
func renewing() *work {
	return &work{
		name:    "renew",
		title:   "Heartbeats",
		about:   "10,000 leases, renewed in a closed loop over 512 connections with one in flight on each, or over 64 with 100 in flight; batches: 20,000 leases over 16 connections.",
		columns: rates(),
		entries: []*entry{
			{ours, "rollcall, HTTP, one in flight", onMajority, on(benched("single"))},
			{ours, "rollcall, session, one in flight", onMajority, on(benched("session"))},
			{ours, "rollcall, session, 64 x 100 in flight", onMajority, on(benched("pipeline"))},
			{ours, "rollcall, batches of 1,000, JSON", onMajority, on(benched("json"))},
			{ours, "rollcall, batches of 1,000, binary", onMajority, on(benched("binary"))},
			{etcds, "etcd, KeepAliveOnce, all nodes", etcdBeat, on(renewer(false, etcdUnary))},
			{etcds, "etcd, KeepAliveOnce, the leader only", etcdBeat, on(renewer(true, etcdUnary))},
			{etcds, "etcd, HTTP (JSON gateway), all nodes", etcdBeat, on(renewer(false, etcdGateway))},
			{etcds, "etcd, HTTP (JSON gateway), the leader only", etcdBeat, on(renewer(true, etcdGateway))},
			{etcds, "etcd, streams, one in flight, all nodes", etcdBeat, on(renewer(false, etcdStreams))},
			{etcds, "etcd, streams, one in flight, the leader only", etcdBeat, on(renewer(true, etcdStreams))},
			{etcds, "etcd, streams, 64 x 100 in flight, all nodes", etcdBeat, on(renewer(false, etcdPipeline))},
			{etcds, "etcd, streams, 64 x 100 in flight, the leader only", etcdBeat, on(renewer(true, etcdPipeline))},
			{always, "Redis, PEXPIRE, one in flight, appendfsync always", redisAlways, on(redisSingle)},
			{always, "Redis, PEXPIRE, 64 x 100 in flight, appendfsync always", redisAlways, on(redisPipeline)},
			{everysec, "Redis, PEXPIRE, one in flight, appendfsync everysec", redisLater, on(redisSingle)},
			{everysec, "Redis, PEXPIRE, 64 x 100 in flight, appendfsync everysec", redisLater, on(redisPipeline)},
		},
	}
}

// benched lets rollcall's own driver renew.
func benched(mode string) func(context.Context, *bench, *rollcall) (sample, error) {
	return func(ctx context.Context, b *bench, r *rollcall) (sample, error) {
		result, err := r.bench(ctx, append(b.benchFlags(mode), "--duration", b.duration.String())...)
		return result.rate(), err
	}
}

func (b *bench) benchFlags(mode string) []string {
	z, n := &b.size, strconv.Itoa
	few, many := []string{"--leases", n(z.leases)}, []string{"--leases", n(z.batched), "--workers", "16", "--mode", "batch", "--batch", n(z.batch)}
	switch mode {
	case "single":
		return append(few, "--workers", n(z.connections))
	case "session":
		return append(few, "--workers", n(z.connections), "--mode", "session")
	case "pipeline":
		return append(few, "--workers", n(z.pipes), "--mode", "session", "--pipeline", n(z.depth))
	default:
		return append(many, "--codec", mode)
	}
}
