package wheel_test

import (
	"fmt"
	"testing"

	"github.com/seed-b4c92e43/rollcall/registry/wheel"
)

// ttl is how many ticks ahead the benchmarks schedule: some 12 s of 20 ms.
const ttl = 625

func sizes(b *testing.B, f func(b *testing.B, items uint32)) {
	for _, items := range []uint32{1 << 10, 1 << 17, 1 << 20} {
		b.Run(fmt.Sprintf("items=%d", items), func(b *testing.B) { f(b, items) })
	}
}

// full returns a wheel of so many items, spread over all ticks of a TTL.
func full(items uint32) *wheel.Wheel {
	w := wheel.New(0)
	for i := range items {
		w.Schedule(i, int64(i)%ttl)
	}
	return w
}

// BenchmarkInsert schedules items that were nowhere.
func BenchmarkInsert(b *testing.B) {
	sizes(b, func(b *testing.B, items uint32) {
		w := full(items)
		b.ReportAllocs()
		for i := uint32(0); b.Loop(); i++ {
			if i%items == 0 {
				b.StopTimer()
				for j := range items {
					w.Cancel(j)
				}
				b.StartTimer()
			}
			w.Schedule(i%items, int64(i)%ttl)
		}
	})
}

// BenchmarkMove schedules items elsewhere, in no order.
func BenchmarkMove(b *testing.B) {
	sizes(b, func(b *testing.B, items uint32) {
		w := full(items)
		b.ReportAllocs()
		for i := uint32(0); b.Loop(); i++ {
			w.Schedule(i*2654435761%items, int64(i)%ttl)
		}
	})
}

// BenchmarkAdvance is one tick: what is due fires and is scheduled again.
func BenchmarkAdvance(b *testing.B) {
	sizes(b, func(b *testing.B, items uint32) {
		w := full(items)
		to := int64(0)
		b.ReportAllocs()
		for b.Loop() {
			to++
			turn(w, to)
		}
	})
}

// turn moves the wheel to a tick and schedules anew whatever fires.
func turn(w *wheel.Wheel, to int64) {
	for !w.Advance(to, 1<<20) {
	}
	for item, ok := w.Fired(); ok; item, ok = w.Fired() {
		w.Schedule(item, to+ttl)
	}
}

// TestItemsAreMovedWithoutMemory: an item costs its 16 bytes once.
func TestItemsAreMovedWithoutMemory(t *testing.T) {
	w := full(1 << 12)
	to := int64(0)
	allocated := testing.AllocsPerRun(2000, func() {
		to++
		turn(w, to)
		w.Park(uint32(to) % (1 << 12))
		w.Schedule(uint32(to)%(1<<12), to+ttl)
	})
	if allocated > 0 {
		t.Errorf("a tick allocates %v times", allocated)
	}
}
