package registry

import (
	"reflect"
	"testing"
)

// ward grants leases and holds some of them.
type ward struct {
	*bench
	epochs map[string]uint64
}

// newWard grants a, b and c of service web, d of db and e of none, TTL 10 s.
func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{newBench(t), make(map[string]uint64)}
	for id, service := range map[string]string{"a": "web", "b": "web", "c": "web", "d": "db", "e": ""} {
		r, _ := w.do(&Grant{NS: "ns", ID: id, TTL: 10_000, Spec: Spec{Service: service}})
		w.epochs[id] = r.Lease.Epoch
	}
	return w
}

// hold holds ids, each not renewed yet, for at most a minute with half a
// minute's rest, and returns how many are held by it.
func (w *ward) hold(service string, ids ...string) int {
	w.t.Helper()
	c := &Hold{Term: w.at.Term, NS: "ns", Service: service, Reason: "3 of 4", MaxMS: 60_000, RestMS: 30_000}
	for _, id := range ids {
		c.Burials = append(c.Burials, Burial{Epoch: w.epochs[id], AgeMS: 10_100, OverdueMS: 100})
	}
	out := w.entry(c)
	if len(out.Events) != out.Results[0].Buried {
		w.t.Fatalf("%d events of %d held", len(out.Events), out.Results[0].Buried)
	}
	w.check()
	return out.Results[0].Buried
}

// pass lets cluster time go by.
func (w *ward) pass(seconds int) {
	w.t.Helper()
	for range seconds {
		w.entry()
	}
	w.check()
}

func (w *ward) state(id string) LeaseState {
	l, _ := w.r.Lease("ns", id)
	return l.State
}

func TestHoldHoldsAndARenewalReleases(t *testing.T) {
	w := newWard(t)
	before := w.r.Revision()
	out := w.entry(&Hold{Term: 1, NS: "ns", Service: "web", Reason: "1 of 1", MaxMS: 60_000, Burials: []Burial{{Epoch: w.epochs["a"]}}})
	ev := out.Events[0]
	if out.Holds != 1 || ev.Type != EventHeld || ev.Revision != before+1 || ev.Lease.State != Held || ev.Lease.HeldReason != "1 of 1" || ev.Lease.Resumes != Alive {
		t.Fatalf("held: %+v, %+v", out, ev.Lease)
	}
	if got := w.r.Services("ns")[1]; got.Held != 1 || got.Alive != 2 || got.Revision != before+1 {
		t.Errorf("services: %+v", got)
	}
	want := []HoldStatus{{NS: "ns", Service: "web", Held: 1, Reason: "1 of 1", EndsMS: 60_000}}
	if got := w.r.Holds(w.r.clusterMS); !reflect.DeepEqual(got, want) || w.r.Held() != 1 {
		t.Errorf("holds: %+v", got)
	}
	if page := w.r.List(Query{NS: "ns", Limit: 9, States: []LeaseState{Held}}); len(page.Leases) != 1 {
		t.Errorf("listed: %+v", page.Leases)
	}
	r, ev2 := w.do(&Renew{Beats: Beats{}.Append(w.epochs["a"], 1)})
	if r.Beats[0].Code != OK || r.Revision != before+2 || ev2.Type != EventReleased || ev2.Lease.State != Alive || ev2.Lease.HeldReason != "" || ev2.Lease.Seq != 1 {
		t.Fatalf("released: %+v, %+v", r, ev2)
	}
	if w.r.Holds(w.r.clusterMS) != nil || len(w.r.holds) != 0 {
		t.Error("a hold of nobody is remembered")
	}
	w.check()
}

func TestHoldIsConditional(t *testing.T) {
	for name, prepare := range map[string]func(w *ward, c *Hold){
		"another term":      func(_ *ward, c *Hold) { c.Term = 2 },
		"another namespace": func(_ *ward, c *Hold) { c.NS = "other" },
		"another service":   func(_ *ward, c *Hold) { c.Service = "db" },
		"renewed since":     func(w *ward, _ *Hold) { w.beat(w.epochs["a"], 1) },
		"left since":        func(w *ward, _ *Hold) { w.do(&Leave{"ns", "a", w.epochs["a"]}) },
		"held already":      func(w *ward, c *Hold) { w.entry(c) },
		"its scope rests": func(w *ward, _ *Hold) {
			w.hold("web", "b")
			w.do(&Release{"ns", "web"})
		},
		"its namespace rests": func(w *ward, _ *Hold) {
			w.hold("", "d")
			w.do(&Release{"ns", ""})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWard(t)
			c := &Hold{Term: 1, NS: "ns", Service: "web", MaxMS: 60_000, RestMS: 30_000, Burials: []Burial{{Epoch: w.epochs["a"]}}}
			prepare(w, c)
			revision := w.r.Revision()
			if r, ev := w.do(c); r.Buried != 0 || ev != nil || w.r.Revision() != revision || (r.Code == WrongTerm) != (name == "another term") {
				t.Errorf("result %+v, event %+v", r, ev)
			}
			w.check()
		})
	}
}

func TestHeldLeasesEndAsOthersDo(t *testing.T) {
	for name, end := range map[string]struct {
		command func(epoch uint64) Command
		event   EventType
	}{
		"left":     {func(epoch uint64) Command { return &Leave{"ns", "a", epoch} }, EventLeft},
		"evicted":  {func(uint64) Command { return &Evict{"ns", "a"} }, EventEvicted},
		"replaced": {func(uint64) Command { return &Grant{NS: "ns", ID: "a", TTL: 500} }, EventReplaced},
		"expired":  {func(epoch uint64) Command { return &Expire{Term: 1, Burials: []Burial{{Epoch: epoch}}} }, EventExpired},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWard(t)
			w.hold("web", "a")
			if _, ev := w.do(end.command(w.epochs["a"])); ev == nil || ev.Type != end.event {
				t.Fatalf("event %+v", ev)
			}
			if w.r.Held() != 0 || len(w.r.holds) != 0 {
				t.Errorf("holds %+v", w.r.Holds(w.r.clusterMS))
			}
			w.check()
		})
	}
}

func TestAHeldIDIsTaken(t *testing.T) {
	w := newWard(t)
	w.hold("web", "a")
	if r, _ := w.do(&Grant{NS: "ns", ID: "a", TTL: 500, IfAbsent: true}); r.Code != Taken || r.Lease.State != Held {
		t.Errorf("%+v", r)
	}
}

func TestHeldLeaseResumesWhatItWas(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, while *LeaseState
		want          LeaseState
		event         EventType // of the patch while it is held
	}{
		{"alive", nil, nil, Alive, 0},
		{"draining", new(Draining), nil, Draining, 0},
		{"drains while held", nil, new(Draining), Draining, EventDraining},
		{"undone while held", new(Draining), new(Alive), Alive, EventUpdated},
		{"no news", new(Draining), new(Draining), Draining, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWard(t)
			w.do(&Patch{NS: "ns", ID: "a", Epoch: w.epochs["a"], State: tt.before})
			w.hold("web", "a")
			r, ev := w.do(&Patch{NS: "ns", ID: "a", Epoch: w.epochs["a"], State: tt.while})
			if r.Lease.State != Held || (ev == nil) != (tt.event == 0) || ev != nil && ev.Type != tt.event {
				t.Fatalf("patched: %+v, event %+v", r.Lease, ev)
			}
			_, ev = w.do(&RenewNamed{"ns", "a", w.epochs["a"], 1})
			if ev == nil || ev.Type != EventReleased || ev.Lease.State != tt.want || w.state("a") != tt.want {
				t.Fatalf("released: %+v", ev)
			}
			w.check()
		})
	}
}

func TestOnlyAHigherSeqReleases(t *testing.T) {
	w := newWard(t)
	w.beat(w.epochs["a"], 5)
	w.entry(&Hold{Term: 1, NS: "ns", MaxMS: 60_000, Burials: []Burial{{Epoch: w.epochs["a"], Seq: 5}}})
	for _, seq := range []uint64{5, 4, 0, 5 + MaxJump + 1} {
		w.beat(w.epochs["a"], seq)
	}
	if w.state("a") != Held {
		t.Error("released by a beat that was not accepted")
	}
}

func TestReleaseEndsAHoldThatRests(t *testing.T) {
	w := newWard(t)
	w.hold("web", "a", "b")
	w.pass(10)
	r, ev := w.do(&Release{"ns", "web"})
	if r.Buried != 2 || ev != nil || w.state("a") != Held {
		t.Fatalf("%+v, %+v", r, ev)
	}
	if got := w.r.Holds(w.r.clusterMS); len(got) != 1 || got[0].EndsMS != 0 {
		t.Errorf("holds: %+v", got)
	}
	if again, _ := w.do(&Release{"ns", "web"}); again.Buried != 2 || w.r.holds[serviceName{"ns", "web"}].rests != 46_000 {
		t.Errorf("again: %+v, %+v", again, w.r.holds)
	}
	w.do(&Expire{Term: 1, Burials: []Burial{{Epoch: w.epochs["a"]}}})
	w.revive("b")
	if w.hold("web", "c") != 0 {
		t.Error("held while the scope rests")
	}
	w.pass(30)
	if len(w.r.holds) != 0 || w.hold("web", "c") != 1 {
		t.Errorf("not held after the rest: %+v", w.r.holds)
	}
}

// revive renews an id that is held.
func (w *ward) revive(id string) {
	w.t.Helper()
	if r, ev := w.do(&RenewNamed{"ns", id, w.epochs[id], 1}); r.Code != OK || ev.Type != EventReleased {
		w.t.Fatalf("renewal of %s: %+v", id, r)
	}
}

func TestReleaseOfOneServiceOfAHeldNamespace(t *testing.T) {
	w := newWard(t)
	if n := w.hold("", "a", "d", "e"); n != 3 {
		t.Fatalf("%d held", n)
	}
	if r, _ := w.do(&Release{"ns", "web"}); r.Buried != 1 {
		t.Errorf("released %d", r.Buried)
	}
	got := w.r.Holds(w.r.clusterMS)
	if len(got) != 2 || got[0].Held != 2 || got[0].EndsMS == 0 || got[1].Service != "web" || got[1].Held != 1 || got[1].EndsMS != 0 {
		t.Errorf("holds: %+v", got)
	}
	if w.hold("", "b") != 0 {
		t.Error("web rests, and is held with its namespace")
	}
	w.revive("d")
	w.revive("e")
	w.revive("a")
	if h := w.r.holds; len(h) != 1 || h[serviceName{"ns", "web"}] == nil {
		t.Errorf("holds: %+v", h)
	}
	if r, _ := w.do(&Release{"ns", "nothing"}); r.Code != OK || r.Buried != 0 || len(w.r.holds) != 1 {
		t.Errorf("of a service that is not held: %+v", r)
	}
	w.check()
}

func TestReleaseOfANamespaceEndsAllItsHolds(t *testing.T) {
	w := newWard(t)
	w.hold("web", "a")
	w.hold("db", "d")
	if r, _ := w.do(&Release{"other", ""}); r.Buried != 0 {
		t.Errorf("of another namespace: %+v", r)
	}
	if r, _ := w.do(&Release{"ns", ""}); r.Buried != 2 {
		t.Errorf("released %d", r.Buried)
	}
	for _, h := range w.r.Holds(w.r.clusterMS) {
		if h.EndsMS != 0 {
			t.Errorf("goes on: %+v", h)
		}
	}
}

func TestHoldIsBounded(t *testing.T) {
	w := newWard(t)
	w.do(&Hold{
		Term: 1, NS: "ns", Reason: string(make([]byte, 1000)), MaxMS: 1 << 63, RestMS: 1 << 63,
		Burials: []Burial{{Epoch: w.epochs["a"]}},
	})
	h := w.r.holds[serviceName{ns: "ns"}]
	if len(h.reason) != reasonMax || h.ends-h.since != holdMaxMS || h.rests-h.ends != holdMaxMS {
		t.Errorf("%+v", h)
	}
}

// A beat from before the hold, replayed over an image from after it, does not
// release; and what a held lease resumes outlives flushes and loads.
func TestHeldLeaseOutlivesAReload(t *testing.T) {
	d := &disk{records: make(map[string][]byte)}
	r := NewReplica("n1")
	do := func(r *Replica, commands ...Command) Outcome {
		e := Entry{Advance: 1000, Proposer: "n1", Commands: commands}
		at := Position{Index: r.Index() + 1, Term: 1}
		out := r.Apply(at, &e, 0)
		d.log = append(d.log, logged{at, e.Append(nil), r.Digest(), services(r.State)})
		return out
	}
	do(r, &Grant{NS: "a", ID: "x", TTL: 10_000}, &Patch{NS: "a", ID: "x", Epoch: 1, State: new(Draining)})
	d.flush(r.State)
	d.renewals = r.Renewals()
	do(r, &Renew{Beats: Beats{}.Append(1, 1)})
	do(r, &Hold{Term: 1, NS: "a", Reason: "1 of 1", MaxMS: 60_000, Burials: []Burial{{Epoch: 1, Seq: 1}}})
	d.flush(r.State)
	do(r)
	again, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Replica{r, again} {
		l, _ := r.Lease("a", "x")
		if l.State != Held || l.Resumes != Draining || l.HeldReason != "1 of 1" || l.Seq != 1 {
			t.Fatalf("%+v", l)
		}
		if ev := do(r, &Renew{Beats: Beats{}.Append(1, 2)}).Events; len(ev) != 1 || ev[0].Lease.State != Draining {
			t.Errorf("released: %+v", ev)
		}
	}
	if r.Digest() != again.Digest() {
		t.Error("another state after a reload")
	}
}
