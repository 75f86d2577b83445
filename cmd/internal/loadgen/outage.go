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
	killed time.Time  // before the kill
	dead   time.Time  // when the leader was gone; zero: it is not, yet
	first  time.Time  // when the first write that was sent since then was acknowledged
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

// begin notes a kill that is done. What was sent before the leader was gone may
// have been acknowledged by it, and does not count.
func (o *outage) begin(killed, dead time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.killed, o.dead = killed, dead
}

// acknowledged notes a write.
func (o *outage) acknowledged(writer int, sent, answered time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead.IsZero() || sent.Before(o.dead) || len(o.away) == 0 {
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

// firstCommit is from before the kill until the first write that counts.
func (o *outage) firstCommit() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.first.Sub(o.killed)
}
