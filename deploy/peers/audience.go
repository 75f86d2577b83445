package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// hearsWithin is how long a change may take to the last watcher, and a watch to
// its beginning.
const hearsWithin = 30 * time.Second

var errUnheard = errors.New("was not heard of by every watcher")

// audience is watchers that wait for one change after the other.
type audience struct {
	size  int
	ready chan error // one for each watcher

	mu    sync.Mutex
	await change // the change that is out now
	heard int    // of it
	last  time.Time
	all   chan struct{} // closed when everybody heard
}

// gather starts watchers of a class on all nodes in turn, and returns when all
// of them listen. dismiss ends them and waits.
func gather(ctx context.Context, s system, n int, class string) (a *audience, dismiss func(), err error) {
	a = &audience{size: n, ready: make(chan error, 2*n)}
	under, cancel := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	dismiss = func() { cancel(); watchers.Wait() }
	for i := range n {
		watchers.Go(func() {
			err := s.watch(under, i%len(s.nodes()), class, func() { a.ready <- nil }, a.hear)
			a.ready <- err // nobody waits any more where it was ready before
		})
	}
	timeout := time.NewTimer(hearsWithin)
	defer timeout.Stop()
	for range n {
		select {
		case err = <-a.ready:
		case <-timeout.C:
			err = fmt.Errorf("open watches: %w", errNotReady)
		}
		if err != nil {
			dismiss()
			return nil, nil, err
		}
	}
	return a, dismiss, nil
}

// expect says which change comes next.
func (a *audience) expect(c change) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.await, a.heard, a.all = c, 0, make(chan struct{})
	return a.all
}

func (a *audience) hear(c change) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if c != a.await || a.heard == a.size {
		return
	}
	a.heard++
	if a.last = now; a.heard == a.size {
		close(a.all)
	}
}

// wait returns when the last watcher heard of the change.
func (a *audience) wait(ctx context.Context, all <-chan struct{}) (time.Time, error) {
	timeout := time.NewTimer(hearsWithin)
	defer timeout.Stop()
	select {
	case <-all:
	case <-timeout.C:
		return time.Time{}, fmt.Errorf("a change %w", errUnheard)
	case <-ctx.Done():
		return time.Time{}, context.Cause(ctx)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last, nil
}
