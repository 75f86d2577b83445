package main

import (
	"context"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

// TestGCPercent: at least 64 MiB of garbage may gather, or 35 % of what lives.
func TestGCPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, gcPercentMost}, {1 << 20, 6400}, {16 << 20, 400}, {64 << 20, 100}, {128 << 20, 50}, {1 << 30, 35}, {1 << 40, 35},
	} {
		if got := gcPercent(c.live); got != c.want {
			t.Errorf("gcPercent(%d) = %d, want %d", c.live, got, c.want)
		}
	}
}

// TestHeapIsPaced: the setting follows what lives, but not where the
// environment says otherwise, and ends with ctx.
func TestHeapIsPaced(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	for _, c := range []struct {
		env  string
		want bool // the setting changes
	}{{"", true}, {"77", false}} {
		t.Setenv("GOGC", c.env)
		debug.SetGCPercent(100)
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				paceHeap(ctx)
			}()
			time.Sleep(2 * paceEvery) // virtual
			cancel()
			<-done
		})
		if set := debug.SetGCPercent(100); (set != 100) != c.want {
			t.Errorf("with GOGC=%q the setting became %d", c.env, set)
		}
	}
}
