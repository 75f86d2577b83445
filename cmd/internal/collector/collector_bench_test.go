package collector

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// BenchmarkBeat is a heartbeat from its acceptance to its answer, of so many
// callers at once, each with its own context, as the HTTP server has them; the
// log behind it commits at once.
func BenchmarkBeat(b *testing.B) {
	for _, callers := range []int{1, 64, 512} {
		for _, patience := range []time.Duration{0, 2 * time.Second} {
			b.Run(fmt.Sprintf("callers=%d/patience=%v", callers, patience), func(b *testing.B) {
				c := running(b, Config{Patience: patience, MaxLinger: time.Nanosecond})
				var left atomic.Int64
				left.Store(int64(b.N))
				b.ReportAllocs()
				b.ResetTimer()
				crowd(b, callers, func(ctx context.Context, caller uint64) {
					for seq := uint64(1); left.Add(-1) >= 0; seq++ {
						r, _, err := c.Beat(ctx, caller, seq)
						if err != nil || r.Current != seq {
							b.Errorf("beat %d: %+v, %v", seq, r, err)
							return
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "beats/s")
			})
		}
	}
}

// told counts the answers to the beats of a session, and says when all that
// were on their way are answered.
type told struct {
	left atomic.Int64
	all  chan struct{}
}

func (w *told) BeatDone(uint64, registry.BeatResult, Commit, error) {
	if w.left.Add(-1) == 0 {
		w.all <- struct{}{}
	}
}

// BenchmarkBeatLater is a heartbeat that nobody waits for, as sessions have so
// many on their way.
func BenchmarkBeatLater(b *testing.B) {
	for _, pipeline := range []int{1, 100} {
		b.Run(fmt.Sprintf("pipeline=%d", pipeline), func(b *testing.B) {
			c := running(b, Config{MaxLinger: time.Nanosecond})
			w := &told{all: make(chan struct{}, 1)}
			b.ReportAllocs()
			for seq := uint64(1); b.Loop(); seq++ {
				w.left.Store(int64(pipeline))
				for i := range pipeline {
					c.BeatLater(uint64(i)+1, seq, w, 0)
				}
				<-w.all
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(pipeline), "ns/beat")
		})
	}
}

// BenchmarkBeats is a group of so many from one of 16 callers.
func BenchmarkBeats(b *testing.B) {
	for _, size := range []int{16, 1000, 8000} {
		b.Run(fmt.Sprintf("beats=%d", size), func(b *testing.B) {
			c := running(b, Config{})
			group := span(1, size)
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			crowd(b, 16, func(ctx context.Context, _ uint64) {
				for left.Add(-1) >= 0 {
					if r, _, err := c.Beats(ctx, "", group); err != nil || len(r) != size {
						b.Errorf("%d results, %v", len(r), err)
						return
					}
				}
			})
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "beats/s")
		})
	}
}

// BenchmarkLayOut makes the commands of a batch out of so many groups.
func BenchmarkLayOut(b *testing.B) {
	for _, groups := range []int{1, 8} {
		b.Run(fmt.Sprintf("groups=%d", groups), func(b *testing.B) {
			units := make([]*unit, groups)
			for i := range units {
				units[i] = newUnit(&registry.Renew{Beats: span(1, 1000)})
			}
			b.ReportAllocs()
			for b.Loop() {
				if commands := layOut(units); len(commands) != 1 {
					b.Fatalf("%d commands", len(commands))
				}
			}
		})
	}
}

func running(b *testing.B, cfg Config) *Collector {
	c := New(cfg)
	c.Attach(&straight{}, true)
	ctx, cancel := context.WithCancel(b.Context())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		c.Run(ctx)
	}()
	b.Cleanup(func() {
		cancel()
		<-ran
	})
	return c
}

// crowd runs f in n goroutines, each with a context of its own, and waits.
func crowd(b *testing.B, n int, f func(ctx context.Context, caller uint64)) {
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			f(ctx, uint64(i+1))
		})
	}
	wait.Wait()
}
