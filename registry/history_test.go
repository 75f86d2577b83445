package registry

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// modelHistory is the history of a model, all of it, and how much of it is
// forgotten.
type modelHistory struct {
	model   *model
	events  []Event  // as they were made, oldest first
	aged    []uint64 // their cluster time
	limits  Retention
	cluster uint64
	gone    int // events forgotten
}

// follow takes what an entry of one command did.
func (h *modelHistory) follow(t *rapid.T, e *Entry, out Outcome) {
	h.cluster += uint64(e.Advance)
	if serve, ok := e.Commands[0].(*Serve); ok && out.Results[0].Code == OK {
		h.limits = serve.Retention.normal()
	}
	for _, ev := range out.Events {
		h.check(t, &ev)
		h.events, h.aged = append(h.events, unslotted(ev)), append(h.aged, h.cluster)
	}
	for h.gone < len(h.events) && h.limits != (Retention{}) && h.beyond() {
		h.gone++
	}
}

func (h *modelHistory) beyond() bool {
	kept := h.events[h.gone:]
	weight := uint64(0)
	for i := range kept {
		weight += eventRecord(appendEvent(nil, &kept[i], h.aged[h.gone+i])).weight()
	}
	return len(kept) > int(h.limits.EventMax) || weight > h.limits.EventBytes || h.cluster-h.aged[h.gone] > h.limits.EventMS
}

// check compares an event with what lived before and after it.
func (h *modelHistory) check(t *rapid.T, ev *Event) {
	who := Identity{ev.NS, ev.ID}
	before, lived := h.at(ev.Revision - 1)[who]
	after, lives := h.at(ev.Revision)[who]
	if lived != (ev.Before != nil) || lives != (ev.Lease != nil) || ev.At != h.model.wall {
		t.Fatalf("event %+v, lived before %v, after %v", ev, lived, lives)
	}
	if lived && !reflect.DeepEqual(slotless(*ev.Before), before) {
		t.Fatalf("before revision %d: %+v, want %+v", ev.Revision, ev.Before, before)
	}
	if lives && !reflect.DeepEqual(timeless(*ev.Lease), timeless(after)) {
		t.Fatalf("after revision %d: %+v, want %+v", ev.Revision, ev.Lease, after)
	}
}

// at returns what lived at the end of a revision.
func (h *modelHistory) at(revision uint64) map[Identity]Lease {
	if past := h.model.past; revision < uint64(len(past)) {
		return past[revision]
	}
	return h.model.present()
}

// dropped returns the revision of the newest event forgotten.
func (h *modelHistory) dropped() uint64 {
	if h.gone == 0 {
		return 0
	}
	return h.events[h.gone-1].Revision
}

// compare asks for the past in every way.
func (h *modelHistory) compare(t *rapid.T, s *State) {
	h.compareEvents(t, s)
	h.compareHistory(t, s)
	h.compareTimes(t, s)
	h.compareList(t, s)
}

func (h *modelHistory) compareEvents(t *rapid.T, s *State) {
	after := rapid.Uint64Range(0, s.Revision()+1).Draw(t, "after")
	limit := rapid.IntRange(0, 4).Draw(t, "events at most")
	var want []Event
	for _, ev := range h.events[h.gone:] {
		if ev.Revision > after && len(want) < limit && after >= h.dropped() {
			want = append(want, ev)
		}
	}
	got, kept := s.EventsAfter(after, limit)
	if kept != (after >= h.dropped()) || !reflect.DeepEqual(got, want) {
		t.Fatalf("events after %d (forgotten up to %d), kept %v: %s\nwant %s", after, h.dropped(), kept, show(got), show(want))
	}
	oldest := h.dropped() + 1
	if h.gone < len(h.events) {
		oldest = h.events[h.gone].Revision
	}
	if got := s.OldestEvent(); got != oldest {
		t.Fatalf("the oldest event is %d, want %d", got, oldest)
	}
}

func (h *modelHistory) compareHistory(t *rapid.T, s *State) {
	ns, id := someNS.Draw(t, "history ns"), someID.Draw(t, "history id")
	limit := rapid.IntRange(0, 6).Draw(t, "history at most")
	var want []Event
	for _, ev := range slices.Backward(h.events[h.gone:]) {
		if ev.NS == ns && ev.ID == id && len(want) < limit {
			want = append(want, ev)
		}
	}
	if got := s.History(ns, id, limit); !reflect.DeepEqual(got, want) {
		t.Fatalf("history of %s/%s: %s\nwant %s", ns, id, show(got), show(want))
	}
}

func (h *modelHistory) compareTimes(t *rapid.T, s *State) {
	wall := rapid.Int64Range(-1, h.model.wall+1).Draw(t, "at")
	want := uint64(0)
	for _, ev := range h.events {
		if ev.At <= wall {
			want = ev.Revision
		}
	}
	if wall >= h.model.wall {
		want = h.model.revision
	}
	got, kept := s.RevisionAt(wall)
	if kept != (want >= h.dropped()) || kept && got != want {
		t.Fatalf("revision at %d is %d, %v, want %d; forgotten up to %d", wall, got, kept, want, h.dropped())
	}
}

func (h *modelHistory) compareList(t *rapid.T, s *State) {
	q := drawQuery(t)
	revision := rapid.Uint64Range(0, s.Revision()+1).Draw(t, "as of")
	want := listed(h.at(revision), q)
	for i := range want {
		want[i] = timeless(want[i])
	}
	page, kept := s.ListAt(q, revision)
	if kept != (revision >= h.dropped()) {
		t.Fatalf("revision %d is kept: %v; forgotten up to %d", revision, kept, h.dropped())
	}
	if n := min(q.Limit, len(want)); kept && (page.More != (n < len(want)) || !reflect.DeepEqual(page.Leases, want[:n:n]) && n > 0) {
		t.Fatalf("%+v\nat revision %d lists %+v\nwant %+v", q, revision, page, want)
	}
}

func show(events []Event) (all string) {
	for i := range events {
		ev := &events[i]
		all += fmt.Sprintf("\n%+v\n  lease %+v\n  before %+v\n  certificate %+v", *ev, ev.Lease, ev.Before, ev.Certificate)
	}
	return all
}

// unslotted returns an event as it comes out of the log.
func unslotted(ev Event) Event {
	if ev.Lease != nil {
		ev.Lease = new(slotless(*ev.Lease))
	}
	if ev.Before != nil {
		ev.Before = new(slotless(*ev.Before))
	}
	return ev
}

func slotless(l Lease) Lease {
	l.Slot = 0
	return l
}

// timeless returns a lease without what renewals change.
func timeless(l Lease) Lease {
	l.Seq, l.Renewals, l.Missed, l.RenewedAt, l.Slot = 0, 0, 0, 0, 0
	return l
}

// A page as of a revision is bounded, also where more leases changed since
// than one page looks at; pages follow one another without a gap.
func TestPagesOfThePastAreComplete(t *testing.T) {
	const n = 3*changedMax + 100
	b := newBench(t)
	id := func(i int) string { return fmt.Sprintf("%06d", i*7919%n) } // in no order
	for i := range n {
		b.entry(&Grant{NS: "ns", ID: id(i), TTL: 1000, Spec: Spec{Service: "web"}})
	}
	as := b.r.Revision()
	for i := 0; i < n; i++ {
		switch i % 3 {
		case 0:
			b.entry(&Evict{"ns", id(i)})
		case 1:
			b.entry(&Grant{NS: "ns", ID: id(i), TTL: 1000, Spec: Spec{Service: "db"}})
		}
		if i%5 == 0 {
			b.entry(&Grant{NS: "ns", ID: id(i) + "x", TTL: 1000, Spec: Spec{Service: "web"}})
		}
	}
	for _, q := range []Query{{NS: "ns", Limit: 1000}, {NS: "ns", Service: "web", Limit: 5000}, {NS: "ns", Prefix: "0012", Limit: 7}} {
		var got []string
		for more := true; more; {
			page, kept := b.r.ListAt(q, as)
			if !kept || page.More && page.Next <= q.After || len(page.Leases) > q.Limit {
				t.Fatalf("after %q: kept %v, next %q", q.After, kept, page.Next)
			}
			got = append(got, ids(page.Leases)...)
			q.After, more = page.Next, page.More
		}
		want := n
		if q.Prefix != "" {
			want = 100
		}
		if len(got) != want || !slices.IsSorted(got) || len(slices.Compact(got)) != want {
			t.Errorf("%+v lists %d leases, want %d", q, len(got), want)
		}
	}
	if page, kept := b.r.ListAt(Query{NS: "ns", Service: "db", Limit: 1}, as); !kept || len(page.Leases) > 0 {
		t.Errorf("of a service that came later: %+v, %v", page, kept)
	}
}
