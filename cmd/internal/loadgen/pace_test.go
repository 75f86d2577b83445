package loadgen

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a schedule of a thousand a second for a second with so many
// connections, of which each is busy for as long as busy says, and returns what
// they counted.
func inBubble(t *testing.T, connections int, busy func(request int64) time.Duration) (sum *tally, late time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := schedule{start: start, until: start.Add(time.Second), rate: 1_000, connections: connections}
		tallies := make(chan *tally)
		var mu sync.Mutex
		for i := range connections {
			go func() {
				counts := newTally()
				p := s.of(i, counts)
				for from, ok := p.next(t.Context()); ok; from, ok = p.next(t.Context()) {
					mu.Lock()
					late = max(late, time.Since(from))
					mu.Unlock()
					time.Sleep(busy(p.taken))
					counts.acknowledged(1, time.Since(from))
				}
				p.finish(time.Now())
				tallies <- counts
			}()
		}
		sum = newTally()
		for range connections {
			sum.add(<-tallies)
		}
	})
	return sum, late
}

func TestOpenLoopSendsOnSchedule(t *testing.T) {
	got, late := inBubble(t, 7, func(int64) time.Duration { return time.Millisecond })
	if got.requests != 1_000 || got.unsent != 0 || got.waited != 0 || late != 0 || got.latency.Max() > 1_010 {
		t.Errorf("%d requests, %d unsent, %d waited, late by %v, latency up to %d µs",
			got.requests, got.unsent, got.waited, late, got.latency.Max())
	}
}

// A stall of half a second is one slow request of a closed loop. Here it is in
// the latency of all that were due meanwhile.
func TestOpenLoopCountsWhatAStallKeptWaiting(t *testing.T) {
	got, _ := inBubble(t, 1, func(request int64) time.Duration {
		if request == 101 {
			return 500 * time.Millisecond
		}
		return 0
	})
	if got.requests != 1_000 || got.unsent != 0 || got.waited != 499 {
		t.Errorf("%d requests, %d unsent, %d waited", got.requests, got.unsent, got.waited)
	}
	if p90, p50 := got.latency.ValueAtPercentile(90), got.latency.ValueAtPercentile(50); p90 < 390_000 || p90 > 410_000 || p50 > 10_000 {
		t.Errorf("p50 %d µs, p90 %d µs", p50, p90)
	}
}

func TestOpenLoopTellsWhatItLeftUnsent(t *testing.T) {
	got, late := inBubble(t, 2, func(int64) time.Duration { return 4 * time.Millisecond })
	if got.requests != 500 || got.unsent != 500 || late < 450*time.Millisecond {
		t.Errorf("%d requests, %d unsent, late by %v", got.requests, got.unsent, late)
	}
	s := schedule{rate: 1_000}
	if o := s.openLoop(got, time.Second); !o.Overtaxed() || o.Late() || o.Due != 1_000 || o.OfferedPerS != 1_000 || o.AchievedPerS != 500 {
		t.Errorf("open loop %+v", o)
	}
	slow := OpenLoop{Due: 1_000, Unsent: 1, Behind: Latency{P99: 5.1}}
	if slow.Overtaxed() || !slow.Late() {
		t.Error("a late driver is one that is overtaxed")
	}
	if (schedule{}).openLoop(got, time.Second) != nil {
		t.Error("a closed loop has a schedule")
	}
}

func TestPaceThatIsCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		counts := newTally()
		p := schedule{start: start, until: start.Add(time.Hour), rate: 10, connections: 1}.of(0, counts)
		n := 0
		for _, ok := p.next(ctx); ok; _, ok = p.next(ctx) {
			n++
		}
		p.finish(time.Now())
		if n != 1 || counts.unsent != 0 || time.Since(start) != 50*time.Millisecond {
			t.Errorf("%d requests, %d unsent, after %v", n, counts.unsent, time.Since(start))
		}
		closed := schedule{start: start, until: start.Add(time.Hour)}.of(0, counts)
		if _, ok := closed.next(ctx); ok {
			t.Error("a closed loop went on")
		}
	})
}

func TestDriverThatIsLateSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		counts := newTally()
		s := schedule{start: start, until: start.Add(time.Second), rate: 100, connections: 1}
		p := s.of(0, counts)
		time.Sleep(7 * time.Millisecond) // nothing kept the connection busy
		_, first := p.next(t.Context())
		time.Sleep(10 * time.Millisecond) // this does
		_, second := p.next(t.Context())
		o := s.openLoop(counts, time.Second)
		if !first || !second || counts.waited != 1 || o.Due != 2 || !o.Late() || o.Behind.Max < 7 || o.Behind.Max > 7.1 {
			t.Errorf("open loop %+v", o)
		}
	})
}

func TestOneMissIsNotTooMuch(t *testing.T) {
	for _, test := range []struct {
		due, unsent int64
		want        bool
	}{{10, 0, false}, {10, 1, false}, {10, 2, true}, {5_000, 5, false}, {5_000, 6, true}} {
		if o := (OpenLoop{Due: test.due, Unsent: test.unsent}); o.Overtaxed() != test.want {
			t.Errorf("%+v: %v", o, !test.want)
		}
	}
}
