package loadgen

import (
	"context"
	"sync"
	"time"
)

// outage is the time between the kill of a leader and the moment from which on
// all who write could write again.
type outage struct {
	mu     sync.Mutex // guards all below
	killed time.Time  // zero: nobody is, yet
	first  time.Time  // when the first write that was sent since was acknowledged
	away   map[int]bool

	back chan struct{} // closed when nobody is away
}

// newOutage is one for writers 0 to n-1.
func newOutage(n int) *outage {
	o := &outage{away: make(map[int]bool, n), back: make(chan struct{})}
	for i := range n {
		o.away[i] = true
	}
	return o
}

// begin notes the kill.
func (o *outage) begin(at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.killed = at
}

// acknowledged notes a write.
func (o *outage) acknowledged(writer int, sent, answered time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.killed.IsZero() || sent.Before(o.killed) || len(o.away) == 0 {
		return
	}
	if o.first.IsZero() || answered.Before(o.first) {
		o.first = answered
	}
	if delete(o.away, writer); len(o.away) == 0 {
		close(o.back)
	}
}

// wait returns true when all who write have written since the kill.
func (o *outage) wait(ctx context.Context, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-o.back:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

func (o *outage) firstCommit() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.first.Sub(o.killed)
}
