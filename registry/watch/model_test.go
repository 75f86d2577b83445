package watch

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// reader is a subscription and what it was promised.
type reader struct {
	*Subscription
	upTo  uint64 // what Next said last
	begun bool   // Next was called
	ended bool   // compacted
}

// world drives a hub by hand beside a dumb list of all events.
type world struct {
	source
	hub     *Hub
	readers []*reader
}

func (w *world) services(t *rapid.T) *registry.Lease {
	if rapid.IntRange(0, 3).Draw(t, "lives") == 0 {
		return nil
	}
	return lease(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "service"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "tag"))
}

// change makes events and other changes, and returns them.
func (w *world) change(t *rapid.T) (events []registry.Event) {
	for range rapid.IntRange(0, 12).Draw(t, "changes") {
		if rapid.IntRange(0, 4).Draw(t, "mail") == 0 {
			w.mail()
			continue
		}
		id := fmt.Sprint("id", rapid.IntRange(0, 2).Draw(t, "id"))
		events = append(events, w.happen(id, w.services(t), w.services(t)))
	}
	return events
}

func (w *world) publish(t *rapid.T) {
	w.hub.Publish(&registry.Outcome{Events: w.change(t), Revision: w.revision})
}

// skip is a snapshot from another node: changes that were not published.
func (w *world) skip(t *rapid.T) {
	w.change(t)
	w.hub.Reset(w.revision)
}

func (w *world) deliver(*rapid.T) { w.hub.run() }

func (w *world) forget(t *rapid.T) {
	if n := len(w.events); n > 0 {
		w.dropped = max(w.dropped, w.events[rapid.IntRange(0, n-1).Draw(t, "forgotten")].Revision)
	}
}

func (w *world) subscribe(t *rapid.T) {
	f := Filter{NS: "default"}
	switch rapid.IntRange(0, 4).Draw(t, "filter") {
	case 0:
		f.Service = "a"
	case 1:
		f.ID = "id1"
	case 2:
		f.Tags = []string{"x"}
	case 3:
		f.Service, f.Tags, f.Prefix = "b", []string{"y"}, "id"
	}
	after := rapid.Uint64Range(0, w.revision).Draw(t, "after")
	s, err := w.hub.Subscribe(f, after)
	if err != nil {
		t.Fatal(err)
	}
	w.readers = append(w.readers, &reader{Subscription: s, upTo: after})
}

func (w *world) close(t *rapid.T) {
	if len(w.readers) == 0 {
		t.Skip("nobody reads")
	}
	i := rapid.IntRange(0, len(w.readers)-1).Draw(t, "reader")
	w.readers[i].Close()
	w.readers = slices.Delete(w.readers, i, i+1)
}

func (w *world) read(t *rapid.T) {
	if len(w.readers) == 0 {
		t.Skip("nobody reads")
	}
	w.next(t, rapid.SampledFrom(w.readers).Draw(t, "reader"), rapid.IntRange(1, 5).Draw(t, "most"))
}

// next holds one Next against the list.
func (w *world) next(t *rapid.T, r *reader, most int) {
	if r.ended {
		return
	}
	ready(r.Wait())
	events, upTo, err := r.Next(most)
	if errors.Is(err, ErrCompacted) {
		if r.upTo >= w.dropped {
			t.Fatalf("compacted at %d, everything after %d is kept", r.upTo, w.dropped)
		}
		r.ended = true
		return
	}
	if !r.begun && r.upTo < w.dropped {
		t.Fatalf("a reader begins at %d, though %d is forgotten: up to %d, %v", r.upTo, w.dropped, upTo, err)
	}
	r.begun = true
	if err != nil || upTo < r.upTo || upTo > w.revision || len(events) > most {
		t.Fatalf("up to %d after %d of %d, %d events, %v", upTo, r.upTo, w.revision, len(events), err)
	}
	w.compare(t, r, events, upTo)
	r.upTo = upTo
}

// compare wants exactly what matches after the last Next and up to upTo.
func (w *world) compare(t *rapid.T, r *reader, got []Event, upTo uint64) {
	for i := range w.events {
		e := &w.events[i]
		matches, leaves := r.filter.Match(e)
		if e.Revision <= r.upTo || e.Revision > upTo || !matches {
			continue
		}
		if len(got) == 0 || got[0].Revision != e.Revision || got[0].Leaves != leaves {
			t.Fatalf("revision %d is missing in (%d, %d]: %v", e.Revision, r.upTo, upTo, got)
		}
		got = got[1:]
	}
	if len(got) != 0 {
		t.Fatalf("nobody wrote %v", got)
	}
}

// atRest checks that who sleeps has nothing to read of what was delivered.
func (w *world) atRest(t *rapid.T) {
	for _, r := range w.readers {
		if r.ended || len(r.wake) > 0 {
			continue
		}
		for i := range w.events {
			e := &w.events[i]
			if matches, _ := r.filter.Match(e); matches && e.Revision > r.upTo && e.Revision <= w.hub.revision {
				t.Fatalf("a reader sleeps at %d though %d matches and %d was delivered", r.upTo, e.Revision, w.hub.revision)
			}
		}
	}
}

// drain reads everything to the end: every reader gets there.
func (w *world) drain(t *rapid.T) {
	w.hub.run()
	for _, r := range w.readers {
		for range 1000 {
			if len(r.wake) == 0 {
				break
			}
			w.next(t, r, 3)
		}
		if _, upTo, err := r.Next(1); !r.ended && (err != nil || upTo < w.revision) {
			t.Fatalf("a reader ends at %d of %d, %v", upTo, w.revision, err)
		}
	}
}

// TestHubIsTheList holds subscriptions, each delivered event and each wake-up
// against the list, over any order of publishing, delivering, forgetting and
// restarting.
func TestHubIsTheList(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := new(world)
		w.hub = newTestHub(t, &w.source, Config{Ring: rapid.IntRange(1, 8).Draw(rt, "ring")})
		rt.Repeat(map[string]func(*rapid.T){
			"publish": w.publish, "skip": w.skip, "deliver": w.deliver, "forget": w.forget,
			"subscribe": w.subscribe, "read": w.read, "close": w.close, "": w.atRest,
		})
		w.drain(rt)
	})
}
