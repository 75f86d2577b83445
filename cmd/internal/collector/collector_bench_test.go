package collector

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkBeat is the hot path: 512 callers, each with its own context, as
// the HTTP server has them.
func BenchmarkBeat(b *testing.B) {
	for name, patience := range map[string]time.Duration{"context": 0, "patience": 2 * time.Second} {
		b.Run(name, func(b *testing.B) {
			c := running(b, Config{Patience: patience})
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			crowd(b, 512, func(ctx context.Context, caller uint64) {
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

// BenchmarkBeats sends groups of 1,000 from 16 callers.
func BenchmarkBeats(b *testing.B) {
	c := running(b, Config{})
	group := span(1, 1000)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	crowd(b, 16, func(ctx context.Context, _ uint64) {
		for left.Add(-1) >= 0 {
			if r, _, err := c.Beats(ctx, "", group); err != nil || len(r) != 1000 {
				b.Errorf("%d results, %v", len(r), err)
				return
			}
		}
	})
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "beats/s")
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
