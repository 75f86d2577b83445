package raftstore

import (
	"errors"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// Config configures a Store. Zero values take the defaults named.
type Config struct {
	// Dir is the open data directory; the Store closes it.
	Dir *Dir
	// Transport carries Raft's traffic; the Store closes it if it can be
	// closed.
	Transport raft.Transport
	// Multiplier scales Raft's time-outs: heartbeat and election 300 ms times
	// it, the leader lease half of that. More rides out slower networks and
	// disks, and makes a failover take longer in proportion. Default 1.
	Multiplier float64
	Logger     *slog.Logger          // default: discards
	Registerer prometheus.Registerer // default: metrics are not registered

	// Protect is by what rules this node's judge holds leases, see
	// registry.Replica.Protect.
	Protect []registry.Protection

	// Faults are planted bugs. They are for tests only.
	Faults registry.Faults

	// OnApply is called with the outcome of each entry, in order, under the
	// write lock of the replica: it must not block nor call the Store. The
	// results have Beats only on the node that proposed the entry.
	OnApply func(registry.Outcome)
	// OnRestore is called when the content of a snapshot took the place of the
	// replica, under its write lock like OnApply, with its revision: events were
	// skipped, and nobody leads in the new replica.
	OnRestore func(revision uint64)
	// OnHung is called with true when Raft has waited 2 s for the disk, and
	// with false when that is over. The node must drop its Raft traffic
	// meanwhile, so that others elect a leader.
	OnHung func(hung bool)
	// OnFatal is called once, from its own goroutine or the disk's, when the
	// node must not go on: the process should say why and exit.
	OnFatal func(error)

	// FlushEvery is how often changes other than renewals go to state.db.
	// More means fewer writes and a longer replay after a crash. Default
	// 1 s.
	FlushEvery time.Duration
	// FlushBytes of changes are flushed at once. Four times as much may wait
	// in memory before entries are applied more slowly. Default 8 MiB.
	FlushBytes int
	// SnapshotBytes of log since the last snapshot trigger the next. More
	// means a longer replay after a restart, less means more copying of
	// state.db. About half of them stay in the log for lagging followers.
	// Default 64 MiB.
	SnapshotBytes uint64
	// Calm stretches the periods in which the store looks after itself, and after
	// which an idle leader tells followers what is committed. More means that
	// less work while nothing happens, and later answers of followers.
	// Default 1.
	Calm int
	// EnqueueTimeout bounds how long Propose may wait for Raft's loop.
	// Default 50 ms.
	EnqueueTimeout time.Duration
}

func (c *Config) fill() error {
	if c.Dir == nil || c.Transport == nil {
		return errors.New("open store: a directory and a transport are needed")
	}
	if c.Multiplier == 0 {
		c.Multiplier = 1
	}
	if c.Multiplier < 0.1 || c.Multiplier > 100 {
		return errors.New("open store: the time-out multiplier must be from 0.1 to 100")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&c.Calm, 1)
	setDefault(&c.FlushEvery, c.calmed(time.Second))
	setDefault(&c.FlushBytes, 8<<20)
	setDefault(&c.SnapshotBytes, tuned("snapshot-bytes", 64<<20))
	setDefault(&c.EnqueueTimeout, 50*time.Millisecond)
	return nil
}

// calmed stretches a period.
func (c *Config) calmed(period time.Duration) time.Duration { return period * time.Duration(c.Calm) }

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

const (
	baseTimeout   = 300 * time.Millisecond
	commitTimeout = 5 * time.Millisecond
	batchEntries  = 256
	// minTrailing is how many entries at least stay in the log beyond a
	// snapshot.
	minTrailing = 512
	never       = 365 * 24 * time.Hour
)

// raftConfig is measured: see docs/benchmarks.md.
func (c *Config) raftConfig() *raft.Config {
	timeout := time.Duration(float64(baseTimeout) * c.Multiplier)
	r := raft.DefaultConfig()
	r.LocalID = raft.ServerID(c.Dir.Identity().ServerID())
	r.HeartbeatTimeout, r.ElectionTimeout, r.LeaderLeaseTimeout = timeout, timeout, timeout/2
	r.CommitTimeout = c.calmed(commitTimeout)
	r.BatchApplyCh = true
	r.MaxAppendEntries = batchEntries
	// A removed node stays up and says so; its owner decides to stop it.
	r.ShutdownOnRemove = false
	r.TrailingLogs = minTrailing
	// Snapshots are triggered by bytes of log, not by Raft's own count.
	r.SnapshotInterval, r.SnapshotThreshold = never, 1<<62
	// state.db is the newer image: it is loaded before Raft starts.
	r.NoSnapshotRestoreOnStart = true
	r.NoLegacyTelemetry = true
	r.Logger = newRaftLogger(c.Logger)
	return r
}
