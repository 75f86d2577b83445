//go:build linux

package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func event(revision uint64) wire.Event {
	return wire.Event{Revision: revision, Type: "registered", ID: "x", Service: "flap", Epoch: revision}
}

func TestWatchesAreJudged(t *testing.T) {
	f := alone(t)
	all := []wire.Event{event(3), event(5), event(6)}
	for _, c := range []struct {
		name  string
		heard []uint64
		want  []kind
	}{
		{"all", []uint64{3, 5, 6}, nil},
		{"and one that came later", []uint64{3, 5, 6, 9}, nil},
		{"without the first", []uint64{5, 6}, []kind{gap}},
		{"without one", []uint64{3, 6}, []kind{gap}},
		{"what never was", []uint64{3, 4, 5, 6}, []kind{gap}},
		{"again", []uint64{3, 5, 5, 6}, []kind{gap}},
		{"in another order", []uint64{5, 3, 6}, []kind{gap, gap}},
	} {
		w := newWatchers(f, 2)[0]
		for _, revision := range c.heard {
			e := event(revision)
			w.hear(&e)
		}
		if !w.judge(all, 8) {
			t.Errorf("%s: not judged", c.name)
		}
		found(t, f, c.name, c.want...)
	}
	w := newWatchers(f, 2)[0]
	e := event(3)
	w.hear(&e)
	if w.judge(all, 8) {
		t.Error("judged before it heard all")
	}
	w.passed(6)
	if !w.judge(all, 8) {
		t.Error("not judged though it passed the end")
	}
	found(t, f, "it passed without a word", gap)
}

func TestFilteredWatchesAreJudged(t *testing.T) {
	f := alone(t)
	other := event(4)
	other.Service = "steady"
	w := newWatchers(f, 2)[3]
	e := event(3)
	w.hear(&e)
	if !w.judge([]wire.Event{event(3), other}, 8) {
		t.Error("not judged")
	}
	found(t, f, w.name)
}

func TestStreamsAreHeard(t *testing.T) {
	f := against(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Last-Event-ID"); got != "2" {
			t.Errorf("asked after %s", got)
		}
		fmt.Fprint(w, "id: 3\nevent: registered\ndata: {\"revision\":3,\"type\":\"registered\"}\n\n")
		fmt.Fprint(w, "id: 9\nevent: bookmark\ndata: {\"revision\":9,\"type\":\"bookmark\"}\n\n")
	})
	w := newWatchers(f, 2)[0]
	w.follow(t.Context(), f.nodes[0])
	if w.last != 9 || len(w.heard) != 1 || w.heard[0].revision != 3 {
		t.Errorf("at %d heard %v", w.last, w.heard)
	}
	found(t, f, "stream")
	w.data("error", "compacted")
	found(t, f, "compacted", gap)
}

func TestPollsAreHeard(t *testing.T) {
	n := 0
	f := against(t, func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 1 {
			say(t, w, http.StatusOK, wire.EventPage{Events: []wire.Event{event(3)}, Next: 4})
			return
		}
		say(t, w, http.StatusGone, wire.NewProblem(wire.CodeCompacted, "gone"))
	})
	w := newWatchers(f, 2)[2]
	for n < 2 {
		w.poll(t.Context(), f.nodes[0])
	}
	if w.last != 4 || len(w.heard) != 1 {
		t.Errorf("at %d heard %v", w.last, w.heard)
	}
	found(t, f, "compacted", gap)
}

func TestEventsOfNodesAreCompared(t *testing.T) {
	a := []wire.Event{event(1), event(2)}
	hint := event(2)
	hint.Lease = &wire.Lease{Late: true}
	plain := event(2)
	plain.Lease = &wire.Lease{}
	for _, c := range []struct {
		name string
		a, b []wire.Event
		at   int
	}{
		{"same", a, a, -1},
		{"short", a, a[:1], 1},
		{"long", a[:1], a, 1},
		{"other", a, []wire.Event{event(1), event(3)}, 1},
		{"a hint of the node", []wire.Event{hint}, []wire.Event{plain}, -1},
	} {
		if at, _, _ := difference(c.a, c.b); at != c.at {
			t.Errorf("%s: differ at %d, want %d", c.name, at, c.at)
		}
	}
}
