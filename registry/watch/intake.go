package watch

import (
	"slices"
	"sync"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// intake takes what was applied until Run fetches it. Its lock is held for
// moments only, because put is called under that of the replica.
type intake struct {
	nudge chan struct{} // there is something to fetch
	most  int           // events that wait; twice as many for moments

	mu   sync.Mutex // guards what follows
	next batch
}

// batch is what was applied since the last one.
type batch struct {
	events []registry.Event
	upTo   uint64 // the registry's revision after them
	broken bool   // events are missing before these
}

func newIntake(most int) *intake {
	return &intake{nudge: make(chan struct{}, 1), most: most, next: batch{broken: true}}
}

// put adds events and the revision after them. When Run does not keep up, the
// oldest are dropped: subscribers read them from the log.
func (in *intake) put(events []registry.Event, upTo uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(events) == 0 && upTo == in.next.upTo {
		return
	}
	in.next.upTo = upTo
	in.next.events = append(in.next.events, events...)
	if n := len(in.next.events); n > 2*in.most {
		in.next.events = slices.Clone(in.next.events[n-in.most:])
		in.next.broken = true
	}
	signal(in.nudge)
}

// restart drops what waits: the registry was replaced by one of that revision.
func (in *intake) restart(revision uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.next = batch{upTo: revision, broken: true}
	signal(in.nudge)
}

func (in *intake) take() batch {
	in.mu.Lock()
	defer in.mu.Unlock()
	b := in.next
	in.next = batch{upTo: b.upTo}
	return b
}

// signal wakes whoever waits for a channel of capacity 1, now or next.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
