package registry

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestFlapping(t *testing.T) {
	type step struct {
		kind  EventType
		after uint64 // minutes
	}
	for name, tt := range map[string]struct {
		steps []step
		wait  uint64 // minutes
		want  bool
	}{
		"nothing":                  {nil, 0, false},
		"one expiry":               {[]step{{EventExpired, 0}}, 0, false},
		"two at once":              {[]step{{EventExpired, 0}, {EventExpired, 0}}, 0, true},
		"two, minutes apart":       {[]step{{EventExpired, 0}, {EventExpired, 5}}, 0, false},
		"three, minutes apart":     {[]step{{EventExpired, 0}, {EventExpired, 5}, {EventExpired, 5}}, 0, true},
		"three take-overs":         {[]step{{EventReplaced, 0}, {EventReplaced, 0}, {EventReplaced, 0}}, 0, false},
		"four of leaves and those": {[]step{{EventReplaced, 0}, {EventLeft, 0}, {EventReplaced, 0}, {EventLeft, 0}}, 0, true},
		"an operator's doing":      {[]step{{EventEvicted, 0}, {EventEvicted, 0}, {EventEvicted, 0}}, 0, false},
		"below 2,000 it goes on":   {[]step{{EventExpired, 0}, {EventExpired, 0}}, 20, true},
		"until 750":                {[]step{{EventExpired, 0}, {EventExpired, 0}}, 22, false},
		"and then starts anew":     {[]step{{EventExpired, 0}, {EventExpired, 0}, {EventExpired, 22}}, 0, false},
		"an event that is no flap": {[]step{{EventExpired, 0}, {EventExpired, 0}, {EventUpdated, 1}}, 20, true},
	} {
		t.Run(name, func(t *testing.T) {
			var p penalty
			for _, s := range tt.steps {
				p = p.decayed(s.after * 60_000).struck(s.kind)
			}
			if got := p.decayed(tt.wait * 60_000); got.flapping != tt.want {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestPenaltyHasACeiling(t *testing.T) {
	var p penalty
	for range 100 {
		p = p.struck(EventExpired)
	}
	const hour = 60 * 60_000
	if p.points != pointsMax || !p.decayed(hour-1).flapping || p.decayed(hour+hour/60).flapping {
		t.Errorf("%+v", p)
	}
	if left := p.decayed(math.MaxUint64); left != (penalty{}) {
		t.Errorf("%+v after all time", left)
	}
}

// Whole numbers decay as real ones do, within a hundredth of what they were.
func TestPenaltyHalves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := penalty{points: rapid.Uint16Max(pointsMax).Draw(t, "points")}
		ms := rapid.Uint64Range(0, 10*pointsHalfMS).Draw(t, "ms")
		want := float64(p.points) * math.Exp2(-float64(ms)/pointsHalfMS)
		if got := float64(p.decayed(ms).points); math.Abs(got-want) > 1+float64(p.points)/100 {
			t.Fatalf("%d points after %d ms: %g, want %g", p.points, ms, got, want)
		}
	})
}

// flap lets an id come and go.
func (b *bench) flap(id string, times int) {
	for range times {
		b.entry(&Expire{Term: 1, Burials: []Burial{{Epoch: b.grant(id)}}})
	}
}

func TestFlapsOfAnID(t *testing.T) {
	b := newBench(t)
	b.flap("wild", 3)
	b.flap("calm", 1)
	b.flap("slow", 1)
	for range 3 {
		b.at.Index++
		b.r.Apply(b.at, &Entry{Advance: advanceMax}, 0)
	}
	b.flap("slow", 1)
	b.flap("wild", 2)
	b.grant("wild")
	b.grant("calm")
	now, _ := b.r.Now()
	for _, tt := range []struct {
		ns, id string
		now    uint64
		want   bool
	}{
		{"ns", "wild", now, true},
		{"ns", "wild", now - 2000, true},
		{"ns", "wild", now + pointsHalfMS, true},
		{"ns", "wild", now + 3*pointsHalfMS, false},
		{"ns", "calm", now, false},
		{"ns", "slow", now, false},
		{"ns", "nobody", now, false},
		{"other", "wild", now, false},
	} {
		if got := b.r.Flapping(tt.ns, tt.id, tt.now); got != tt.want {
			t.Errorf("%s of %s flaps at %d: %v", tt.id, tt.ns, tt.now, got)
		}
	}
	for _, flapping := range []bool{true, false} {
		page := b.r.List(Query{NS: "ns", Flapping: &flapping, Now: now, Limit: 10})
		if len(page.Leases) != 1 || (page.Leases[0].ID == "wild") != flapping {
			t.Errorf("flapping %v lists %+v", flapping, page.Leases)
		}
	}
}

// Penalties are in no image: they are found again from the events, and end
// with them.
func TestFlapsAfterALoad(t *testing.T) {
	b := newBench(t)
	b.flap("wild", 3)
	d := &disk{records: make(map[string][]byte)}
	d.flush(b.r.State)
	again, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	now, _ := again.Now()
	for i := range again.events.count {
		if got, want := again.events.at(i).penalty, b.r.events.at(i).penalty; got != want {
			t.Errorf("penalty after event %d: %+v, was %+v", i, got, want)
		}
	}
	if !again.Flapping("ns", "wild", now) {
		t.Error("does not flap after a load")
	}
	b.limit(Retention{EventMax: 1})
	b.grant("other")
	if b.r.Flapping("ns", "wild", now) {
		t.Error("flaps without an event")
	}
}
