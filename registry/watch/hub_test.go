package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed-b4c92e43/rollcall/registry"
)

func TestOnlyThoseAreWokenWhomItMayConcern(t *testing.T) {
	s := new(source)
	h := newTestHub(t, s, Config{})
	publish(h, s.happen("web-0", nil, lease("web")))
	h.run()
	all := map[string]*Subscription{
		"all": subscribe(t, h, Filter{}, 0), "web": subscribe(t, h, Filter{Service: "web"}, 0), "db": subscribe(t, h, Filter{Service: "db"}, 0),
		"web-1": subscribe(t, h, Filter{ID: "web-1"}, 0), "other": subscribe(t, h, Filter{NS: "other"}, 0),
	}
	woken := func(want ...string) {
		t.Helper()
		var got []string
		for name, sub := range all {
			if len(sub.Wait()) > 0 {
				revisions(t, sub)
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("woken: %v, want %v", got, want)
		}
	}
	woken("all", "db", "other", "web", "web-1") // each begins ready
	h.Publish(&registry.Outcome{Revision: 1})   // renewals
	h.run()
	woken()
	s.mail()
	h.Publish(&registry.Outcome{Revision: 2})
	h.run()
	woken()
	publish(h, s.happen("web-1", nil, lease("web")))
	h.run()
	woken("all", "web", "web-1")
	publish(h, s.happen("db-1", lease("web"), lease("db")))
	h.run()
	woken("all", "db", "web")
	publish(h, s.happen("db-1", lease("db"), nil))
	h.run()
	woken("all", "db")
}

// TestEachEventIsEncodedOnce: for all subscriptions, and not at all while there
// are none.
func TestEachEventIsEncodedOnce(t *testing.T) {
	s, encoded := new(source), 0
	c := Config{Log: s.log, Revision: s.now, Encode: func(e *registry.Event) []byte { encoded++; return encode(e) }}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	publish(h, s.happen("a", nil, lease("web", "x")))
	h.run()
	var subs []*Subscription
	for range 50 {
		subs = append(subs, subscribe(t, h, Filter{Tags: []string{"x"}}, 1))
	}
	publish(h, s.happen("a", lease("web", "x"), lease("web", "x")), s.happen("a", lease("web", "x"), lease("web")))
	h.run()
	s.reads = 0
	for _, sub := range subs {
		events, upTo, err := sub.Next(10)
		if err != nil || len(events) != 2 || upTo != 3 {
			t.Fatalf("%v %d %v", events, upTo, err)
		}
		if got := string(events[0].Raw) + string(events[1].Raw); got != `{"revision":2}{"revision":3,"leaves_filter":true}` {
			t.Fatalf("got %s", got)
		}
	}
	if encoded != 2 || s.reads != 0 {
		t.Errorf("%d events were encoded, the log was read %d times", encoded, s.reads)
	}
}

// TestTheIdleAreNotCompacted: a subscription to which nothing happened for so
// long that the log has forgotten its revision has missed nothing.
func TestTheIdleAreNotCompacted(t *testing.T) {
	s := new(source)
	h := newTestHub(t, s, Config{Ring: 4})
	publish(h, s.happen("a", nil, lease("web")))
	h.run()
	idle := subscribe(t, h, Filter{Service: "db"}, 1)
	revisions(t, idle)
	for range 100 {
		publish(h, s.happen("a", lease("web"), lease("web")))
		h.run()
	}
	s.dropped = 90
	late := subscribe(t, h, Filter{Service: "web"}, 1)
	_, _, err := late.Next(1)
	var compacted *CompactedError
	if !errors.Is(err, ErrCompacted) || !errors.As(err, &compacted) || *compacted != (CompactedError{After: 1, Oldest: 91}) {
		t.Fatalf("error %v", err)
	}
	publish(h, s.happen("d", nil, lease("db")))
	h.run()
	if got := revisions(t, idle); !slices.Equal(got, []uint64{102}) {
		t.Errorf("got %v", got)
	}
}

// TestDeliveredWhileTheLogIsRead: what comes between the reading of the log and
// the rest after it wakes the reader nevertheless.
func TestDeliveredWhileTheLogIsRead(t *testing.T) {
	s := new(source)
	var h *Hub
	meanwhile := func() {}
	c := Config{Encode: encode, Revision: s.now, Log: func(after uint64, limit int) ([]registry.Event, uint64, bool) {
		events, oldest, kept := s.log(after, limit)
		if limit > 0 {
			meanwhile()
		}
		return events, oldest, kept
	}}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.happen("a", nil, lease("web")) // before this hub
	publish(h, s.happen("a", lease("web"), lease("web")))
	h.run()
	sub := subscribe(t, h, Filter{}, 0)
	meanwhile = func() {
		publish(h, s.happen("b", nil, lease("web")))
		h.run()
		meanwhile = func() {}
	}
	if got := revisions(t, sub); !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("got %v", got)
	}
	last := subscribe(t, h, Filter{}, 0)
	meanwhile = h.Close
	if _, _, err := last.Next(1); err != nil || !ready(last.Wait()) {
		t.Errorf("error %v, or the reader sleeps on a closed hub", err)
	}
}

func TestProgressWithoutEvents(t *testing.T) {
	s := new(source)
	h := newTestHub(t, s, Config{})
	sub := subscribe(t, h, Filter{}, 0)
	for want := range uint64(5) {
		if events, upTo, err := sub.Next(1); err != nil || len(events) != 0 || upTo != want {
			t.Fatalf("%v %d %v, want %d", events, upTo, err, want)
		}
		s.mail()
		h.Publish(&registry.Outcome{Revision: s.now()})
		h.run()
	}
}

func TestRunDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(source)
		h := newTestHub(t, s, Config{})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { h.Run(ctx) })
		sub := subscribe(t, h, Filter{}, 0)
		revisions(t, sub)
		for want := uint64(1); want < 4; want++ {
			publish(h, s.happen("a", nil, lease("web")))
			<-sub.Wait() // a bubble in which nobody wakes us is a deadlock
			if events, _, err := sub.Next(10); err != nil || len(events) != 1 || events[0].Revision != want {
				t.Fatalf("%v %v", events, err)
			}
		}
		cancel()
		running.Wait()
	})
}

func TestCloseWakesEverybody(t *testing.T) {
	s := new(source)
	h := newTestHub(t, s, Config{})
	publish(h, s.happen("a", nil, lease("web")))
	h.run()
	idle, busy, gone := subscribe(t, h, Filter{}, 1), subscribe(t, h, Filter{ID: "a"}, 0), subscribe(t, h, Filter{}, 1)
	revisions(t, idle)
	gone.Close()
	gone.Close()
	h.Close()
	for _, sub := range []*Subscription{idle, busy, gone} {
		if !ready(sub.Wait()) {
			t.Error("a subscription sleeps on")
		}
		if _, _, err := sub.Next(1); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v", err)
		}
	}
	if _, err := h.Subscribe(Filter{}, 0); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
	publish(h, s.happen("a", nil, lease("web")))
	h.run()
}

func TestSubscriptionsAreBounded(t *testing.T) {
	h := newTestHub(t, new(source), Config{Subscriptions: 2})
	for range 3 {
		a, b := subscribe(t, h, Filter{}, 0), subscribe(t, h, Filter{ID: "x"}, 0)
		revisions(t, a)
		if _, err := h.Subscribe(Filter{}, 0); !errors.Is(err, ErrTooMany) {
			t.Fatalf("error %v", err)
		}
		a.Close()
		b.Close()
	}
	if len(h.topics) != 0 {
		t.Errorf("%d topics are left", len(h.topics))
	}
}

// TestTheRingIsBounded: by count, by bytes, and what waits for Run by count.
func TestTheRingIsBounded(t *testing.T) {
	s := new(source)
	h := newTestHub(t, s, Config{Ring: 100, RingBytes: 10 * len(`{"revision":1}`)})
	for i := range 1000 {
		publish(h, s.happen(fmt.Sprint(i), nil, lease("web")))
		if waiting := len(h.intake.next.events); waiting > 200 {
			t.Fatalf("%d events wait", waiting)
		}
	}
	h.run()
	if h.ring.count > 10 || h.ring.floor != 1000-uint64(h.ring.count) {
		t.Errorf("%d events, floor %d", h.ring.count, h.ring.floor)
	}
	if got := revisions(t, subscribe(t, h, Filter{}, 0)); len(got) != 1000 {
		t.Errorf("%d events", len(got))
	}
}

// TestSubscribersBesideThePublisher is for the race detector.
func TestSubscribersBesideThePublisher(t *testing.T) {
	const events, readers = 2000, 8
	s := new(source)
	h := newTestHub(t, s, Config{Ring: 16})
	ctx, cancel := context.WithCancel(t.Context())
	var running, reading sync.WaitGroup
	running.Go(func() { h.Run(ctx) })
	for i := range readers {
		sub := subscribe(t, h, Filter{Service: fmt.Sprint(i % 2)}, 0)
		reading.Go(func() {
			for got, want := 0, uint64(i%2)+1; got < events/2; {
				<-sub.Wait()
				found, _, err := sub.Next(1 + i)
				for _, e := range found {
					if e.Revision != want {
						t.Errorf("revision %d, want %d", e.Revision, want)
					}
					want += 2
				}
				if got += len(found); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range events {
		publish(h, s.happen("a", nil, lease(fmt.Sprint(i%2))))
	}
	reading.Wait()
	cancel()
	running.Wait()
}

func TestConfigIsChecked(t *testing.T) {
	s := new(source)
	for _, c := range []Config{{}, {Encode: encode, Log: s.log}, {Encode: encode, Log: s.log, Revision: s.now, Ring: -1}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
