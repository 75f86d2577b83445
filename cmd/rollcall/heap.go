package main

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How much garbage may gather before the collector runs. Go's own rule is as
// much again as what lives; of a large heap, whose leases lie in slabs that the
// collector need not look into, less will do. (More for small heaps was tried:
// fewer collections did not outweigh that the heap no longer fits a cache.)
const (
	garbageShare  = 0.35     // of what lives …
	garbageLeast  = 32 << 20 // … but at least so many bytes …
	gcPercentMost = 100      // … and at most what lives
	paceEvery     = time.Second
	paceDrift     = 10 // percent by which a new setting must differ from the old
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
	return int(min(math.Round(100*room/float64(max(live, 1))), gcPercentMost))
}

func differs(set, want int) bool {
	return 100*max(set-want, want-set) > paceDrift*set
}
