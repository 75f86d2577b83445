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
	last   time.Time  // the end of the last stall
	stalls int
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
			c.note(now)
		}
		before = now
	}
}

func (c *clock) note(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = at
	c.stalls++
}

func (c *clock) stalledSince(at time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last.After(at)
}

func (c *clock) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stalls
}
