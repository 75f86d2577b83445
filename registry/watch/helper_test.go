package watch

import (
	"fmt"
	"sync"
	"testing"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// source is a dumb registry: the list of all events, and what of it is kept.
type source struct {
	mu       sync.Mutex
	events   []registry.Event // all that ever were
	dropped  uint64           // the revision of the newest that is no longer kept
	revision uint64
	reads    int // of the log, for more than whether it reaches back
}

func (s *source) log(after uint64, limit int) (events []registry.Event, oldest uint64, kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if limit > 0 {
		s.reads++
	}
	if after < s.dropped {
		return nil, s.dropped + 1, false
	}
	for _, e := range s.events {
		if e.Revision > after && len(events) < limit {
			events = append(events, e)
		}
	}
	return events, s.dropped + 1, true
}

func (s *source) now() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision
}

// happen adds an event of the next revision: a lease as it was and as it is.
func (s *source) happen(id string, before, after *registry.Lease) registry.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision++
	e := registry.Event{Revision: s.revision, NS: "default", ID: id, Before: before, Lease: after}
	s.events = append(s.events, e)
	return e
}

// mail is a change without an event.
func (s *source) mail() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision++
}

func lease(service string, tags ...string) *registry.Lease {
	return &registry.Lease{NS: "default", Spec: registry.Spec{Service: service, Tags: tags}}
}

func encode(e *registry.Event) []byte { return fmt.Appendf(nil, `{"revision":%d}`, e.Revision) }

func newTestHub(t testing.TB, s *source, c Config) *Hub {
	t.Helper()
	c.Encode, c.Log, c.Revision = encode, s.log, s.now
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// run delivers all that was published, as Run would.
func (h *Hub) run() {
	select {
	case <-h.intake.nudge:
		h.deliver(h.intake.take())
	default:
	}
}

func subscribe(t testing.TB, h *Hub, f Filter, after uint64) *Subscription {
	t.Helper()
	if f.NS == "" {
		f.NS = "default"
	}
	s, err := h.Subscribe(f, after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// ready takes what is in the channel, and tells whether there was something.
func ready(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// revisions reads a subscription while it is ready.
func revisions(t testing.TB, s *Subscription) (got []uint64) {
	t.Helper()
	for ready(s.Wait()) {
		events, _, err := s.Next(100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			got = append(got, e.Revision)
		}
	}
	return got
}

func publish(h *Hub, events ...registry.Event) {
	h.Publish(&registry.Outcome{Events: events, Revision: events[len(events)-1].Revision})
}
