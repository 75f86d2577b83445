package registry

import (
	"fmt"
	"testing"
)

// BenchmarkList is one page of who is alive, from page to page through all.
func BenchmarkList(b *testing.B) {
	questions := map[string]Query{
		"all":      {NS: "default"},
		"service":  {NS: "default", Service: "web"},
		"filtered": {NS: "default", Service: "web", Tags: []string{"eu"}, Meta: []Pair{{"zone", "a"}}},
	}
	sizes(b, func(b *testing.B, l *loaded) {
		for _, name := range []string{"all", "service", "filtered"} {
			for _, limit := range []int{100, 1000} {
				b.Run(fmt.Sprintf("filter=%s/limit=%d", name, limit), func(b *testing.B) {
					q := questions[name]
					q.Limit = limit
					b.ReportAllocs()
					for b.Loop() {
						page := l.List(q)
						if q.After = page.Next; !page.More {
							q.After = ""
						}
					}
					perEach(b, limit, "lease")
				})
			}
		}
	})
}

// BenchmarkListRare is a page of those who drain, 1 in 50, which no index knows:
// fifty times as many are looked at as are listed.
func BenchmarkListRare(b *testing.B) {
	sizes(b, func(b *testing.B, l *loaded) {
		state := Draining
		for i := 0; i < len(l.epochs); i += 50 {
			g := typical(i, 10_000)
			held, _ := l.Lease(g.NS, g.ID)
			l.apply(&Patch{NS: g.NS, ID: g.ID, Epoch: held.Epoch, State: &state})
			if i%50_000 == 0 {
				l.flush()
			}
		}
		q := Query{NS: "default", States: []LeaseState{Draining}, Limit: 100}
		b.ReportAllocs()
		for b.Loop() {
			page := l.List(q)
			if q.After = page.Next; !page.More {
				q.After = ""
			}
		}
	})
}

// BenchmarkLookup finds one lease by its id, and who holds an epoch.
func BenchmarkLookup(b *testing.B) {
	sizes(b, func(b *testing.B, l *loaded) {
		ids := make([]string, 1024)
		for i := range ids {
			_, ids[i], _ = l.Holder(l.epochs[i*7919%len(l.epochs)])
		}
		b.Run("by=id", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, ok := l.Lease("default", ids[i%len(ids)]); !ok {
					b.Fatal("not found")
				}
			}
		})
		b.Run("by=epoch", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, _, ok := l.Holder(l.epochs[i*7919%len(l.epochs)]); !ok {
					b.Fatal("not found")
				}
			}
		})
	})
}

// BenchmarkEventsAfter reads the newest hundred of the events that are kept.
func BenchmarkEventsAfter(b *testing.B) {
	l := load(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if events, _ := l.EventsAfter(l.Revision()-100, 100); len(events) != 100 {
			b.Fatalf("%d events", len(events))
		}
	}
	perEach(b, 100, "event")
}
