package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

// TestGCPercent: as much garbage as what lives may gather, of a large heap 35 %.
func TestGCPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 100}, {1 << 20, 100}, {32 << 20, 100}, {64 << 20, 50}, {128 << 20, 35}, {1 << 40, 35},
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
	ballast := make([]byte, 256<<20)
	runtime.GC() // now it counts as alive
	for _, c := range []struct {
		env  string
		want int
	}{{"", 35}, {"77", 100}} {
		t.Setenv("GOGC", c.env)
		debug.SetGCPercent(100)
		paceForAWhile(t)
		if set := debug.SetGCPercent(100); set != c.want {
			t.Errorf("with GOGC=%q the setting is %d, want %d", c.env, set, c.want)
		}
	}
	runtime.KeepAlive(ballast)
}

func paceForAWhile(t *testing.T) {
	t.Helper()
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
}
