package watch

import (
	"fmt"
	"testing"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// lively is a hub with so many subscriptions to one service, all of them idle,
// and whoever is woken reads at once.
type lively struct {
	*Hub
	subscriptions []*Subscription
	revision      uint64
	encoded       int
	lease         *registry.Lease
}

func newLively(t testing.TB, subscribers int) *lively {
	t.Helper()
	l := &lively{lease: lease("web", "v2", "eu")}
	hub, err := New(Config{
		Encode: func(e *registry.Event) []byte { l.encoded++; return encode(e) },
		Log: func(uint64, int) ([]registry.Event, uint64, bool) {
			return nil, 1, true
		},
		Revision: func() uint64 { return l.revision },
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Hub = hub
	l.happen("web-0") // the first begins the ring
	for range subscribers {
		s, err := hub.Subscribe(Filter{NS: "default", Service: "web"}, l.revision)
		if err != nil {
			t.Fatal(err)
		}
		l.subscriptions = append(l.subscriptions, s)
		l.read(t, s, 0)
	}
	return l
}

// happen publishes and delivers one event of the next revision.
func (l *lively) happen(id string) {
	l.revision++
	events := []registry.Event{{Revision: l.revision, NS: "default", ID: id, Before: l.lease, Lease: l.lease}}
	l.Publish(&registry.Outcome{Events: events, Revision: l.revision})
	l.run()
}

// read takes what a subscription has: so many events, and no more.
func (l *lively) read(t testing.TB, s *Subscription, want int) {
	t.Helper()
	for ready(s.Wait()) {
		events, _, err := s.Next(100)
		if err != nil {
			t.Fatal(err)
		}
		want -= len(events)
	}
	if want != 0 {
		t.Fatalf("%d events are missing", want)
	}
}

func subscribers(b *testing.B, f func(b *testing.B, l *lively)) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) {
			l := newLively(b, n)
			b.ReportAllocs()
			f(b, l)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/subscriber")
		})
	}
}

// BenchmarkFanOut is one event of which all subscriptions are told and which
// all of them read.
func BenchmarkFanOut(b *testing.B) {
	subscribers(b, func(b *testing.B, l *lively) {
		for b.Loop() {
			l.happen("web-1")
			for _, s := range l.subscriptions {
				l.read(b, s, 1)
			}
		}
	})
}

// BenchmarkElsewhere is an event that concerns none of them.
func BenchmarkElsewhere(b *testing.B) {
	subscribers(b, func(b *testing.B, l *lively) {
		l.lease = lease("db")
		for b.Loop() {
			l.happen("db-1")
		}
	})
}

// BenchmarkMatch holds one event against a filter.
func BenchmarkMatch(b *testing.B) {
	e := registry.Event{NS: "default", ID: "web-1", Lease: lease("web", "v2", "eu")}
	for name, f := range map[string]Filter{
		"filter=service": {NS: "default", Service: "web"},
		"filter=tags":    {NS: "default", Service: "web", Prefix: "web-", Tags: []string{"v2", "eu"}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if ok, _ := f.Match(&e); !ok {
					b.Fatal("no match")
				}
			}
		})
	}
}

// TestAnEventIsEncodedOnce, however many read it, and each of them takes no
// memory but the list in which it gets what came.
func TestAnEventIsEncodedOnce(t *testing.T) {
	const n, rounds = 1000, 20
	l := newLively(t, n)
	before := l.encoded
	allocated := testing.AllocsPerRun(rounds, func() {
		l.happen("web-1")
		for _, s := range l.subscriptions {
			l.read(t, s, 1)
		}
	})
	if l.encoded != before+rounds+1 { // AllocsPerRun runs it once more
		t.Errorf("%d events were encoded %d times", rounds+1, l.encoded-before)
	}
	if allocated > n+10 {
		t.Errorf("an event of %d readers allocates %v times", n, allocated)
	}
}
