package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How much garbage may gather before the collector runs. Go's own rule, as much
// again as what lives, wastes processor time while little lives (a busy node of
// few leases would collect ten times a second) and memory while much does.
const (
	garbageLeast = 64 << 20 // bytes; a node's heap is not kept smaller than that
	garbageShare = 0.35     // of what lives, once that is more
	paceEvery    = time.Second
	paceDrift    = 10 // percent by which a new setting must differ from the old
)

// The bounds of the setting: how often a heap of a few megabytes, or of very
// many gigabytes, is collected.
const (
	gcPercentLeast = 35
	gcPercentMost  = 6400
)

// paceHeap keeps the collector's setting in step with what lives until ctx ends.
// GOGC in the environment is the operator's word, and nothing is done. The
// setting is the process's, so only a program that is a node calls this.
func paceHeap(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	tick := time.NewTicker(paceEvery)
	defer tick.Stop()
	set := 100
	for {
		if want := gcPercent(liveHeap()); differs(set, want) {
			debug.SetGCPercent(want)
			set = want
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// liveHeap returns the bytes that the last collection left.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// gcPercent is GOGC for a heap of that many live bytes.
func gcPercent(live uint64) int {
	room := max(garbageLeast, garbageShare*float64(live))
	return min(max(int(100*room/float64(max(live, 1))), gcPercentLeast), gcPercentMost)
}

func differs(set, want int) bool {
	return 100*max(set-want, want-set) > paceDrift*set
}
