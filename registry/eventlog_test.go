package registry

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// revisions lists those of the kept events.
func revisions(s *State) (list []uint64) {
	for i := range s.events.count {
		list = append(list, s.events.at(i).revision)
	}
	return list
}

// limit sets what is kept.
func (b *bench) limit(r Retention) {
	b.t.Helper()
	if r, _ := b.do(&Serve{Term: 1, Retention: r}); r.Code != OK {
		b.t.Fatalf("serve: code %d", r.Code)
	}
}

func TestEventsAreForgotten(t *testing.T) {
	each := eventRecord(strings.Repeat("x", 30)).weight() // at least that
	for name, tt := range map[string]struct {
		limits      Retention
		least, most int // of ten events, one a second
	}{
		"by default":     {Retention{}, 10, 10},
		"by number":      {Retention{EventMax: 3}, 3, 3},
		"by age":         {Retention{EventMS: 4000}, 5, 5},
		"by weight":      {Retention{EventBytes: 4 * each}, 2, 4},
		"none can stay":  {Retention{EventBytes: 1}, 0, 0},
		"the least wins": {Retention{EventMax: 5, EventMS: 1000, EventBytes: 10 * each}, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.limit(tt.limits)
			for i := range 10 {
				b.grant(fmt.Sprint("id", i%4))
			}
			kept := revisions(b.r.State)
			if len(kept) < tt.least || len(kept) > tt.most {
				t.Errorf("%v are kept", kept)
			}
			last := uint64(10 - len(kept)) // the newest forgotten
			for after := range uint64(11) {
				if _, ok := b.r.EventsAfter(after, 1); ok != (after >= last) {
					t.Errorf("%v are kept, and events after %d are said to be: %v", kept, after, ok)
				}
			}
			b.check()
		})
	}
}

// What an entry adds is made room for at once, however heavy it is beside
// what is there; what a shorter retention leaves over goes in bounded steps.
func TestForgettingEventsKeepsUp(t *testing.T) {
	b := newBench(t)
	const room = 1 << 20
	b.limit(Retention{EventBytes: room})
	for i := range 3 * forgetFloor {
		b.grant(fmt.Sprint(i))
	}
	heavy := Spec{Address: strings.Repeat("a", 50_000)}
	for i := range 30 {
		var commands []Command
		for j := range 5 {
			commands = append(commands, &Grant{NS: "ns", ID: fmt.Sprint("heavy", i, j), TTL: 1, Spec: heavy})
		}
		b.entry(commands...)
		if got := b.r.events.bytes; got > room || i > 10 && got < room-5*50_100 {
			t.Fatalf("entry %d leaves events of %d bytes", i, got)
		}
	}
	b.check()
}

func TestForgettingEventsIsBounded(t *testing.T) {
	b := newBench(t)
	const n = 2*forgetFloor + 10
	for i := range n {
		b.grant(fmt.Sprint(i))
	}
	d := &disk{records: make(map[string][]byte)}
	d.flush(b.r.State)
	again, err := d.load() // the steps are those of a node that was not restarted
	if err != nil {
		t.Fatal(err)
	}
	b.r = again
	for _, want := range []int{n - forgetFloor, n - 2*forgetFloor, 1} {
		b.limit(Retention{EventMax: 1})
		if got := b.r.events.count; got != want {
			t.Errorf("%d events are left, want %d", got, want)
		}
		if oldest := b.r.OldestEvent(); oldest != uint64(n-want)+1 {
			t.Errorf("the oldest of %d is %d", want, oldest)
		}
	}
	b.check()
}

// Slots go round, and chunks come and go.
func TestEventSlotsGoRound(t *testing.T) {
	b := newBench(t)
	b.r.events.first = eventSlots - eventChunk - 10
	b.limit(Retention{EventMax: eventChunk + 5})
	for i := range 4 * eventChunk {
		b.grant(fmt.Sprint("id", i%300))
	}
	if b.r.events.first > 4*eventChunk || len(b.r.events.chunks) > 3 {
		t.Errorf("the oldest is in slot %d, of %d chunks", b.r.events.first, len(b.r.events.chunks))
	}
	b.check()
}

// An event that was forgotten before a Flush is in no list of it, one that was
// handed out is taken back.
func TestFlushOfForgottenEvents(t *testing.T) {
	b := newBench(t)
	b.limit(Retention{EventMax: 2})
	flush := func() (put, gone int) {
		b.r.Flush(func(kind Kind, _, value []byte) {
			switch {
			case kind != KindEvent:
			case value == nil:
				gone++
			default:
				put++
			}
		})
		return put, gone
	}
	for i := range 5 {
		b.grant(fmt.Sprint(i))
	}
	if put, gone := flush(); put != 2 || gone != 0 {
		t.Errorf("%d events are put, %d gone", put, gone)
	}
	b.grant("5")
	if put, gone := flush(); put != 1 || gone != 1 {
		t.Errorf("%d events are put, %d gone", put, gone)
	}
}

// The events of an image must be all that were kept, and in order.
func TestLoadRefusesEvents(t *testing.T) {
	image := func() *disk {
		b := newBench(t)
		b.limit(Retention{EventMax: 3})
		for i := range 5 {
			b.grant(fmt.Sprint(i))
		}
		d := &disk{records: make(map[string][]byte)}
		d.flush(b.r.State)
		return d
	}
	name := func(revision byte) string {
		return string([]byte{byte(KindEvent), 0, 0, 0, 0, 0, 0, 0, revision})
	}
	if _, err := image().load(); err != nil {
		t.Fatal(err)
	}
	for what, tt := range map[string]struct {
		damage func(d *disk)
		want   error
	}{
		"one is missing":   {func(d *disk) { delete(d.records, name(4)) }, ErrInconsistent},
		"one is too many":  {func(d *disk) { d.records[name(6)] = d.records[name(5)] }, ErrInconsistent},
		"one was dropped":  {func(d *disk) { d.rename(name(3), name(2)) }, ErrInconsistent},
		"one is to come":   {func(d *disk) { d.rename(name(5), name(6)) }, ErrInconsistent},
		"two are swapped":  {func(d *disk) { d.rename(name(3), "x"); d.rename(name(4), name(3)); d.rename("x", name(4)) }, ErrInconsistent},
		"wall goes back":   {func(d *disk) { d.records[name(4)] = earlier(t, d.records[name(4)]) }, ErrInconsistent},
		"one is cut short": {func(d *disk) { d.records[name(3)] = d.records[name(3)][:9] }, ErrMalformed},
		"another version":  {func(d *disk) { d.records[name(3)] = append([]byte{9}, d.records[name(3)][1:]...) }, ErrMalformed},
		"a long key":       {func(d *disk) { d.rename(name(3), name(3)+"x") }, ErrMalformed},
	} {
		d := image()
		tt.damage(d)
		if _, err := d.load(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", what, err, tt.want)
		}
	}
}

// earlier returns the record of an event whose wall stamp is earlier.
func earlier(t *testing.T, value []byte) []byte {
	t.Helper()
	record := eventRecord(value[1:])
	ev, err := record.decode(4)
	if err != nil {
		t.Fatal(err)
	}
	ev.At -= 100_000
	return appendEvent([]byte{imageVersion}, &ev, record.head().cluster)
}

// Replicas that forgot differently differ, even if they keep the same.
func TestDigestOfWhatWasForgotten(t *testing.T) {
	s := newState()
	before := s.Digest()
	for _, d := range []dropped{{1, 0}, {0, 1}} {
		if s.events.dropped = d; s.Digest() == before {
			t.Errorf("%+v does not show in the digest", d)
		}
	}
}

func (d *disk) rename(from, to string) {
	d.records[to] = d.records[from]
	delete(d.records, from)
}
