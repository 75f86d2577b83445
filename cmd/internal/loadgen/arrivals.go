package loadgen

import (
	"context"
	"sync"
	"time"
)

// maxArrivals bounds the changes that are remembered while nobody waits for
// them.
const maxArrivals = 10_000

// arrivals notes when each change reached the watchers. Watchers may hear of a
// change before the driver knows its revision.
type arrivals struct {
	want int // watchers

	mu   sync.Mutex // guards all below
	byID map[uint64]*arrival
}

// arrival is when the first and the last of n watchers heard of a change.
type arrival struct {
	first, last time.Time
	n           int
	full        chan struct{} // closed when all have
}

func newArrivals(want int) *arrivals {
	return &arrivals{want: want, byID: make(map[uint64]*arrival)}
}

// note counts a watcher that has heard of a change.
func (a *arrivals) note(revision uint64, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change := a.of(revision)
	if change == nil {
		return
	}
	if change.n == 0 || at.Before(change.first) {
		change.first = at
	}
	if at.After(change.last) {
		change.last = at
	}
	if change.n++; change.n == a.want {
		close(change.full)
	}
}

// of returns the change of that revision, or nil when too many are remembered.
// a.mu is held.
func (a *arrivals) of(revision uint64) *arrival {
	change := a.byID[revision]
	if change == nil && len(a.byID) < maxArrivals {
		change = &arrival{full: make(chan struct{})}
		a.byID[revision] = change
	}
	return change
}

// wait returns a change when every watcher has heard of it, or patience or ctx
// ended, and forgets it.
func (a *arrivals) wait(ctx context.Context, revision uint64, patience time.Duration) arrival {
	a.mu.Lock()
	change := a.of(revision)
	a.mu.Unlock()
	if change == nil {
		return arrival{}
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-change.full:
	case <-timer.C:
	case <-ctx.Done():
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byID, revision)
	return *change
}
