package collector

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// TestLinger looks when a lone leader's first batch leaves.
func TestLinger(t *testing.T) {
	for _, test := range []struct {
		name    string
		leading bool
		call    func(b *bench)
		want    time.Duration
	}{
		{"a beat waits for company", true, func(b *bench) { b.beat(b.ctx, 1, 1) }, 20 * time.Millisecond},
		{"a small group, too", true, func(b *bench) { b.group(b.ctx, "n", span(1, 15)) }, 20 * time.Millisecond},
		{"a follower's frame, too", true, func(b *bench) { b.forward(&registry.Renew{Beats: span(1, 15)}) }, 20 * time.Millisecond},
		{"not on a follower", false, func(b *bench) { b.beat(b.ctx, 1, 1) }, 0},
		{"sixteen leave at once", true, func(b *bench) {
			for i := range 16 {
				b.beat(b.ctx, uint64(i), 1)
			}
		}, 0},
		{"a command does not wait", true, func(b *bench) { b.beat(b.ctx, 1, 1); b.do(b.ctx, grant("a")) }, 0},
		{"nor a barrier", true, func(b *bench) { b.beat(b.ctx, 1, 1); b.await(b.ctx) }, 0},
		{"nor a burial", true, func(b *bench) { b.beat(b.ctx, 1, 1); b.Bury(&registry.Expire{}) }, 0},
		{"nor a renewal by name", true, func(b *bench) { b.do(b.ctx, &registry.RenewNamed{}) }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, b *bench) {
				h := newHand()
				b.Attach(h, test.leading)
				began := time.Now()
				test.call(b)
				if test.want > 0 {
					h.none(t)
				}
				s := <-h
				if got := time.Since(began); got != test.want {
					t.Errorf("left after %v, want %v", got, test.want)
				}
				s.commit(1)
			})
		})
	}
}

// TestLingerEndsWithLeadership: a new sink that must not wait does not.
func TestLingerEndsWithLeadership(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *bench) {
		log, stream := newHand(), newHand()
		b.Attach(log, true)
		a := b.beat(b.ctx, 1, 1)
		b.Attach(stream, false)
		stream.next(t).commit(1)
		checkBeats(t, got(t, a), 1, 1)
	})
}

// counting commits every batch after a while and counts.
type counting struct {
	takes   time.Duration
	mu      sync.Mutex
	entries int
	beats   int
}

func (s *counting) Send(b *Batch, done func([]registry.Result, Commit, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries++
	for _, cmd := range b.Commands {
		s.beats += cmd.(*registry.Renew).Beats.Len()
	}
	time.AfterFunc(s.takes, func() { done(echo(b), Commit{}, nil) })
}

// TestEntriesAtLowRates lets beats arrive at random at a given rate: an entry
// has about sixteen beats where 20 ms bring as many, and nobody waits longer.
func TestEntriesAtLowRates(t *testing.T) {
	for _, test := range []struct {
		perSecond  int
		least      float64 // beats an entry
		entriesMax int     // in ten seconds
	}{
		{50, 1, 500}, {400, 7, 600}, {1000, 11, 900}, {5000, 11, 4600},
	} {
		bubble(t, Config{}, func(t *testing.T, b *bench) {
			sink := &counting{takes: 2 * time.Millisecond}
			b.Attach(sink, true)
			rnd := rand.New(rand.NewPCG(1, uint64(test.perSecond)))
			var calls sync.WaitGroup
			var longest sync.Map
			for i := range 10 * test.perSecond {
				<-time.After(time.Duration(rnd.ExpFloat64() / float64(test.perSecond) * float64(time.Second)))
				calls.Go(func() {
					began := time.Now()
					if _, _, err := b.Beat(b.ctx, uint64(i), 1); err != nil {
						t.Error(err)
					}
					if took := time.Since(began); took > 22*time.Millisecond {
						longest.Store(i, took)
					}
				})
			}
			calls.Wait()
			longest.Range(func(i, took any) bool {
				t.Errorf("%d/s: beat %v took %v", test.perSecond, i, took)
				return false
			})
			mean := float64(sink.beats) / float64(sink.entries)
			t.Logf("%d/s: %d entries, %.1f beats each", test.perSecond, sink.entries, mean)
			if mean < test.least || sink.entries > test.entriesMax {
				t.Errorf("%d/s: %d entries of %.1f beats", test.perSecond, sink.entries, mean)
			}
		})
	}
}

// TestClosedLoop: clients that wait for their answers, more than the company
// aimed at, do not wait for each other.
func TestClosedLoop(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *bench) {
		sink := &counting{takes: time.Millisecond}
		b.Attach(sink, true)
		const clients, each = 64, 500
		began := time.Now()
		var calls sync.WaitGroup
		for i := range clients {
			calls.Go(func() {
				for seq := range uint64(each) {
					_, _, _ = b.Beat(b.ctx, uint64(i), seq+1)
				}
			})
		}
		calls.Wait()
		synctest.Wait()
		if took := time.Since(began); took > each*3*time.Millisecond {
			t.Errorf("%d beats in a row took %v where an entry takes 1 ms", each, took)
		}
	})
}

func TestRate(t *testing.T) {
	var r rate
	now := time.Unix(1000, 0)
	for range 1000 {
		now = now.Add(time.Millisecond)
		r.observe(5, now)
	}
	if r.perSecond < 4900 || r.perSecond > 5100 {
		t.Errorf("5 a millisecond are %v/s", r.perSecond)
	}
	r.observe(5, now) // no time passed
	now = now.Add(time.Hour)
	r.observe(1, now)
	if got := r.linger(16, 20*time.Millisecond); got != 20*time.Millisecond {
		t.Errorf("after an hour of silence a beat waits %v", got)
	}
}
