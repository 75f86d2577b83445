//go:build linux

package main

import (
	"context"
	"sync"
	"time"
)

// stallAfter is how late a tick of the driver comes before nothing that clients
// did around it counts as on time.
const stallAfter = 400 * time.Millisecond

// clock notes when the driver itself did not run.
type clock struct {
	mu     sync.Mutex // guards what follows
	stalls []stall
}

// stall is a time in which the driver did not run.
type stall struct {
	end    time.Time
	lasted time.Duration
}

func newClock() *clock { return new(clock) }

func (c *clock) run(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for before := time.Now(); ctx.Err() == nil; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		if now.Sub(before) > stallAfter {
			c.note(now, now.Sub(before))
		}
		before = now
	}
}

func (c *clock) note(at time.Time, lasted time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalls = append(c.stalls, stall{at, lasted})
}

// stalledSince returns for how long in all the driver did not run since then.
func (c *clock) stalledSince(at time.Time) (sum time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.stalls {
		if s.end.After(at) {
			sum += s.lasted
		}
	}
	return sum
}

func (c *clock) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.stalls)
}
