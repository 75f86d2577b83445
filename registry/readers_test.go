package registry

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// Readers run side by side under a read lock: the race detector watches.
func TestReadersRunSideBySide(t *testing.T) {
	b := newBench(t)
	for i := range 500 {
		b.entry(typical(i, 1000))
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			page := b.r.List(Query{NS: "default", Tags: []string{"eu"}, Limit: 100})
			for _, l := range page.Leases {
				b.r.Lease("default", l.ID)
				b.r.Holder(l.Epoch)
				b.r.Remaining(l.Slot, 0)
			}
			b.r.Services("default")
			b.r.Certificate("default", "nobody")
			b.r.Digest()
			b.r.Renewals()
			b.r.EventsAfter(0, 100)
			b.r.History("default", page.Leases[0].ID, 10)
			b.r.ListAt(Query{NS: "default", Service: "web", Limit: 100}, 100)
			b.r.RevisionAt(0)
			b.r.Flapping("default", page.Leases[0].ID, 0)
		})
	}
	readers.Wait()
}

// Pages follow one another without a gap, also where few of many match and a
// page is short because its work is bounded.
func TestPagesAreBoundedAndComplete(t *testing.T) {
	const n = candidatesMax + 5000
	r := NewReplica("n1")
	for i := 0; i < n; i += 1000 {
		var e Entry
		for j := range 1000 {
			g := &Grant{NS: "ns", ID: fmt.Sprintf("%06d", i+j), TTL: 1000}
			if g.Spec.Service = "a"; (i+j)%2 == 1 {
				g.Spec.Tags = []string{"odd"}
			}
			e.Commands = append(e.Commands, g)
		}
		for j := 999; j < 1000; j++ {
			e.Commands = append(e.Commands, &Patch{NS: "ns", ID: fmt.Sprintf("%06d", i+j), Epoch: uint64(i+i/1000+j) + 1, State: new(Draining)})
		}
		r.Apply(Position{Index: r.Index() + 1, Term: 1}, &e, 0)
	}
	var got []string
	pages := 0
	for q := (Query{NS: "ns", States: []LeaseState{Draining}, Limit: 10}); ; pages++ {
		page := r.List(q)
		for _, l := range page.Leases {
			got = append(got, l.ID)
		}
		if q.After = page.Next; !page.More {
			break
		}
	}
	if len(got) != n/1000 || !slices.IsSorted(got) || pages < 2 {
		t.Errorf("%d leases on %d pages: %v", len(got), pages+1, got)
	}
	if page := r.List(Query{NS: "ns", Tags: []string{"odd"}, Prefix: "0009", Limit: 1000}); len(page.Leases) != 50 || page.More {
		t.Errorf("%d leases with tag and prefix, more %v", len(page.Leases), page.More)
	}
	if page := r.List(Query{NS: "ns", Tags: []string{"nobody's"}, Limit: 1}); len(page.Leases) != 0 || page.More {
		t.Errorf("an unknown tag lists %+v", page)
	}
}
