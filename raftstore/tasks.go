package raftstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
)

const (
	spaceEvery   = 5 * time.Second
	spaceFree    = 20 // low below one part in so many
	wakeEvery    = 20 * time.Millisecond
	unmapEvery   = 5 * time.Second
	retryCutting = 10 * time.Second
)

// flushes writes changes every FlushEvery, and at once when there are many.
func (s *Store) flushes(ctx context.Context) {
	tick := time.NewTicker(s.cfg.FlushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.flushNow:
		}
		if err := s.machine.flush(); err != nil {
			s.cfg.Logger.Error("flush failed", "error", err)
		}
	}
}

// wakes lets go who waits for an entry that never reaches the state machine.
func (s *Store) wakes(ctx context.Context) {
	every(ctx, s.cfg.calmed(wakeEvery), func() { s.machine.indexes.wake(s.Applied()) })
}

// every calls f again and again until ctx ends.
func every(ctx context.Context, period time.Duration, f func()) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f()
		}
	}
}

// space looks how much of the disk is free, and how much the log takes.
func (s *Store) space(ctx context.Context) {
	tick := time.NewTicker(s.cfg.calmed(spaceEvery))
	defer tick.Stop()
	for {
		free, size, err := freeSpace(s.cfg.Dir.path)
		if err == nil {
			s.spaceLow.Store(free < size/spaceFree)
			s.metrics.free.Set(float64(free))
		}
		if log, err := os.Stat(filepath.Join(s.cfg.Dir.path, logName)); err == nil {
			s.metrics.logSize.Set(float64(log.Size()))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// unmaps lets go of what was read of the two databases now and then, of which a
// node of a million leases would otherwise hold hundreds of megabytes.
func (s *Store) unmaps(ctx context.Context) {
	every(ctx, s.cfg.calmed(unmapEvery), func() {
		if err := errors.Join(s.log.unmap(), s.image.unmap()); err != nil {
			s.cfg.Logger.Debug("pages stay mapped", "error", err)
		}
	})
}

// mostBetween bounds the log between two snapshots, all of which a restart reads.
const mostBetween = 1 << 30

// between is by how many bytes the log grows until the next snapshot: by
// SnapshotBytes, or half of state.db where that is more, as copying must not cost
// more than logging.
func (s *Store) between() uint64 {
	return max(s.cfg.SnapshotBytes, min(s.image.size.Load()/2, mostBetween))
}

// cuts takes a snapshot, after which Raft cuts the log, whenever the log has
// grown enough since the last one.
func (s *Store) cuts(ctx context.Context) {
	var base, first uint64 // bytes and index at the last snapshot
	first = s.cfg.Dir.snapshot.Index
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.logGrown:
		}
		size, last := s.log.appended.Load(), s.raft.LastIndex()
		if size-base < s.between() {
			continue
		}
		if err := s.cut(last - min(first, last)); err != nil {
			s.cfg.Logger.Warn("no snapshot", "error", err)
			if !pause(ctx, retryCutting) {
				return
			}
			continue
		}
		base, first = size, last
	}
}

// cut takes a snapshot and leaves half of the entries since the last one in
// the log: a follower that lags by less needs no snapshot.
func (s *Store) cut(entries uint64) error {
	rc := s.raft.ReloadableConfig()
	rc.TrailingLogs = max(minTrailing, entries/2)
	if err := s.raft.ReloadConfig(rc); err != nil {
		return err
	}
	return s.Snapshot()
}

// Snapshot takes a snapshot now and cuts the log. It is no error if there is
// nothing new.
func (s *Store) Snapshot() error {
	started := time.Now()
	err := s.await("snapshot", s.raft.Snapshot())
	if errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil
	}
	s.metrics.snapshot(time.Since(started), err)
	return err
}

// pause waits; it returns false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
