package sim

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds    = flag.Int("seeds", 300, "how many seeds TestSeeds runs")
	first    = flag.Uint64("first", 1, "the first of them")
	seedFlag = flag.Uint64("seed", 0, "the seed that TestSeed runs, with a trace")
)

// explain runs a failed seed once more, with a trace.
func explain(f *Failure, o Options) string {
	o.Trace = true
	_, again := NewWorld().Run(f.Seed, o)
	if again == nil {
		return fmt.Sprintf("%v (and does not fail again)", f)
	}
	return fmt.Sprintf("%v\n%s\nrepeat with: go test ./registry/sim -run 'TestSeed$' -seed %d -v",
		again, strings.Join(again.Trace, "\n"), f.Seed)
}

// heapMost is what a sweep lets gather before garbage is collected. More takes
// memory that the processor's caches do not hold, less collects more often.
const heapMost = 128 << 20

// sweep runs n seeds on all processors, until one fails.
func sweep(from uint64, n int, o Options, progress func(done int)) (Report, *Failure) {
	var (
		next, done atomic.Uint64
		mu         sync.Mutex
		total      Report
		failure    *Failure
		wg         sync.WaitGroup
	)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))           // worlds are small, and keep their memory: it is
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(heapMost)) // enough to collect when there is much
	failed := func() bool { mu.Lock(); defer mu.Unlock(); return failure != nil }
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			w := NewWorld()
			for !failed() {
				i := next.Add(1) - 1
				if i >= uint64(n) {
					return
				}
				r, f := w.Run(from+i, o)
				mu.Lock()
				total.Add(r)
				if f != nil && (failure == nil || f.Seed < failure.Seed) {
					failure = f
				}
				mu.Unlock()
				progress(int(done.Add(1)))
			}
		})
	}
	wg.Wait()
	return total, failure
}

func TestSeeds(t *testing.T) {
	start, count := time.Now(), *seeds
	if raceDetector {
		count = min(count, 20)
	}
	report, failure := sweep(*first, count, Options{}, func(done int) {
		if done%10_000 == 0 {
			fmt.Printf("%d seeds in %v\n", done, time.Since(start).Round(time.Second))
		}
	})
	if failure != nil {
		t.Fatal(explain(failure, Options{}))
	}
	took := time.Since(start)
	t.Logf("%d seeds of %v in %v (%.0f/s on %d processors): %+v", count, Duration, took.Round(time.Millisecond),
		float64(count)/took.Seconds(), runtime.GOMAXPROCS(0), report)
}

// TestSeed runs one seed: go test ./registry/sim -run 'TestSeed$' -seed N -v.
func TestSeed(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip("no -seed given")
	}
	report, failure := NewWorld().Run(*seedFlag, Options{Trace: true})
	if failure != nil {
		t.Fatal(explain(failure, Options{}))
	}
	t.Logf("%+v", report)
}
