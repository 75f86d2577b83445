package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	hopeFor      = 500 * time.Millisecond // how long one attempt may take
	hopeAgain    = 10 * time.Millisecond  // after one that was refused at once
	leaderWithin = 30 * time.Second
)

// failingOver is how long nobody can write when the leader is killed.
func failingOver() *work {
	return &work{
		name:  "failover",
		title: "Failover",
		about: "kill -9 of the leader while 16 connections to the other two nodes write grants, each attempt for at most 500 ms: until the first that was sent after the kill is acknowledged.",
		columns: []column{
			{"first commit after: median (least; most)", millis},
		},
		entries: []*entry{
			{ours, "rollcall", "the other two nodes elect", on(failOver)},
			{etcds, "etcd", "the other two nodes elect", on(failOver)},
		},
	}
}

func failOver(ctx context.Context, b *bench, s system) (sample, error) {
	leader, err := s.leader(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, leaderWithin)
	defer cancel()
	h := &hope{warm: make(chan struct{}, b.size.hopeful), first: make(chan time.Time, 1)}
	under, stop := context.WithCancel(ctx)
	var writers sync.WaitGroup
	for i := range b.size.hopeful {
		node := (leader + 1 + i%(len(s.nodes())-1)) % len(s.nodes())
		writers.Go(func() { h.write(under, s, node, i) })
	}
	defer writers.Wait()
	defer stop()
	return h.killed(ctx, s.nodes()[leader], b.size.hopeful)
}

// hope is writers that try over and over.
type hope struct {
	warm  chan struct{}  // one for each writer, when it wrote something
	first chan time.Time // when the first write since the kill was acknowledged

	mu   sync.Mutex
	kill time.Time // zero before
}

// killed lets every writer write, kills the leader, and waits for the first
// commit.
func (h *hope) killed(ctx context.Context, leader *process, writers int) (sample, error) {
	for range writers {
		select {
		case <-h.warm:
		case <-ctx.Done():
			return nil, fmt.Errorf("before the kill: %w", context.Cause(ctx))
		}
	}
	h.mu.Lock()
	leader.kill()
	h.kill = time.Now()
	h.mu.Unlock()
	select {
	case at := <-h.first:
		return sample{toMS(at.Sub(h.kill))}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("no commit since the leader was killed: %w", context.Cause(ctx))
	}
}

// sentSince tells whether what was sent then was sent after the kill.
func (h *hope) sentSince(at time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.kill.IsZero() && at.After(h.kill)
}

func (h *hope) write(ctx context.Context, s system, node, number int) {
	warm := false
	for n := number; ctx.Err() == nil; n += 1000 {
		sent := time.Now()
		if err := h.try(ctx, s, node, idOf("hope", n)); err != nil {
			_ = pause(ctx, hopeAgain) // ends with ctx, as this loop does
			continue
		}
		if h.sentSince(sent) {
			select {
			case h.first <- time.Now():
			default: // another was first
			}
			return
		}
		if !warm {
			warm = true
			h.warm <- struct{}{}
		}
	}
}

// try makes one attempt over a connection of its own, which ends with it.
func (h *hope) try(ctx context.Context, s system, node int, id string) error {
	ctx, cancel := context.WithTimeout(ctx, hopeFor)
	defer cancel()
	w, err := s.writer(ctx, node)
	if err != nil {
		return err
	}
	defer w.close()
	_, err = w.grant(ctx, id, long)
	return err
}
