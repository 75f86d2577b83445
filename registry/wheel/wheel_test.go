package wheel_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-b4c92e43/rollcall/registry/wheel"
)

// model is a wheel that looks at everything at every step.
type model struct {
	now    int64
	at     map[uint32]int64
	parked []uint32
}

func (m *model) cancel(item uint32) {
	delete(m.at, item)
	m.parked = slices.DeleteFunc(m.parked, func(p uint32) bool { return p == item })
}

// advance returns who fires, by tick.
func (m *model) advance(to int64) map[int64][]uint32 {
	fired := make(map[int64][]uint32)
	for item, at := range m.at {
		if at <= to {
			fired[at] = append(fired[at], item)
			delete(m.at, item)
		}
	}
	m.now = max(m.now, to)
	return fired
}

func TestWheelIsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(0, 1<<31).Draw(t, "start")
		w := wheel.New(start)
		m := &model{now: start, at: make(map[uint32]int64)}
		t.Repeat(map[string]func(*rapid.T){
			"schedule": func(t *rapid.T) { schedule(t, w, m) },
			"cancel": func(t *rapid.T) {
				item := someItem(t)
				w.Cancel(item)
				m.cancel(item)
			},
			"park": func(t *rapid.T) {
				item := someItem(t)
				w.Park(item)
				m.cancel(item)
				m.parked = append(m.parked, item)
			},
			"unpark":  func(t *rapid.T) { unpark(t, w, m) },
			"advance": func(t *rapid.T) { advance(t, w, m) },
			"": func(t *rapid.T) {
				if w.Len() != len(m.at) {
					t.Fatalf("%d items wait, want %d", w.Len(), len(m.at))
				}
			},
		})
	})
}

func someItem(t *rapid.T) uint32 { return rapid.Uint32Range(0, 3000).Draw(t, "item") % 1100 }

func someTicks(t *rapid.T) int64 {
	limit := rapid.SampledFrom([]int64{3, 70, 5000, 300_000, wheel.Horizon + 100}).Draw(t, "scale")
	return rapid.Int64Range(-1, limit).Draw(t, "ticks")
}

func schedule(t *rapid.T, w *wheel.Wheel, m *model) {
	item, at := someItem(t), m.now+someTicks(t)
	w.Schedule(item, at)
	m.cancel(item)
	m.at[item] = min(max(at, m.now+1), m.now+wheel.Horizon)
}

func unpark(t *rapid.T, w *wheel.Wheel, m *model) {
	item, ok := w.Parked()
	if ok != (len(m.parked) > 0) || ok && item != m.parked[0] {
		t.Fatalf("unparked %d, %v, want the first of %v", item, ok, m.parked)
	}
	if ok {
		m.parked = m.parked[1:]
	}
}

// advance moves both, the wheel in small portions of work, and compares what
// fires tick by tick.
func advance(t *rapid.T, w *wheel.Wheel, m *model) {
	to := m.now + min(max(0, someTicks(t)), 400_000)
	want := m.advance(to)
	work := rapid.IntRange(1, 50).Draw(t, "work")
	var got []uint32
	for arrived := false; !arrived; {
		arrived = w.Advance(to, work)
		for item, ok := w.Fired(); ok; item, ok = w.Fired() {
			got = append(got, item)
		}
	}
	if w.Now() != to {
		t.Fatalf("the wheel stands at %d, want %d", w.Now(), to)
	}
	for _, tick := range sortedKeys(want) {
		n := len(want[tick])
		if len(got) < n {
			t.Fatalf("%d too few fired at %d", n-len(got), tick)
		}
		slices.Sort(want[tick])
		if first := slices.Sorted(slices.Values(got[:n])); !slices.Equal(first, want[tick]) {
			t.Fatalf("at tick %d %v fired, want %v", tick, first, want[tick])
		}
		got = got[n:]
	}
	if len(got) > 0 {
		t.Fatalf("%v fired too early", got)
	}
}

func sortedKeys(m map[int64][]uint32) []int64 {
	var keys []int64
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestWheelKeepsToItsWork(t *testing.T) {
	const items, work = 10_000, 100
	w := wheel.New(0)
	for i := range uint32(items) {
		w.Schedule(i, 5000) // two levels up
	}
	fired := 0
	for calls := 1; fired < items; calls++ {
		w.Advance(6000, work)
		n := 0
		for _, ok := w.Fired(); ok; _, ok = w.Fired() {
			n++
		}
		if n > work {
			t.Fatalf("%d fired in one call of work %d", n, work)
		}
		if fired += n; calls > 4*items/work {
			t.Fatalf("only %d fired in %d calls", fired, calls)
		}
	}
}

func TestWheelBringsTheFarFutureNearer(t *testing.T) {
	w := wheel.New(1 << 40)
	w.Schedule(7, math.MaxInt64)
	if w.Advance(1<<40+wheel.Horizon-1, 1<<30); w.Len() != 1 {
		t.Fatal("fired before the horizon")
	}
	w.Advance(1<<40+wheel.Horizon, 1<<30)
	if item, ok := w.Fired(); !ok || item != 7 {
		t.Fatalf("fired %d, %v at the horizon", item, ok)
	}
}
