package loadgen

import (
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Bounds of the histograms: 1 µs to an hour to 1 %. One worker's takes 27 kB; a
// digit more would take 190, and 512 of those would push the servers out of the
// processor's cache.
const (
	lowestMicros  = 1
	highestMicros = 3_600_000_000
	digits        = 2
)

// tally counts what one worker saw in one phase. The counters are read by
// others while it works; the rest belongs to the worker until it is done.
type tally struct {
	done   atomic.Int64 // grants, renewals or endings that were acknowledged
	failed atomic.Int64 // requests, or beats of a batch, that were refused or lost
	_      [112]byte    // a cache line of its own, and its neighbour

	requests int64
	missed   int64 // requests that failed, which no latency is of
	lost     int64 // leases that ended under the run
	late     int64 // of these, of beaters and keepers, such as were not renewed within their TTL: they ended justly
	errors   map[string]int64
	latency  *hdrhistogram.Histogram

	// Of an open loop; pace says what they are.
	waited, unsent int64
	behind         *hdrhistogram.Histogram // nil of a closed loop
}

func newTally() *tally {
	return &tally{
		errors:  make(map[string]int64),
		latency: newHistogram(),
	}
}

// acknowledged counts n that one request brought.
func (t *tally) acknowledged(n int64, took time.Duration) {
	t.requests++
	t.done.Add(n)
	record(t.latency, took)
}

// refused counts n that one request, which failed, should have brought.
func (t *tally) refused(code string, n int64) {
	t.missed++
	t.rejected(code, n)
}

// rejected counts n that a request did not bring, though it was acknowledged.
func (t *tally) rejected(code string, n int64) {
	t.failed.Add(n)
	t.errors[code] += n
}

// add merges another tally into this one; its worker must be done.
func (t *tally) add(other *tally) {
	t.done.Add(other.done.Load())
	t.failed.Add(other.failed.Load())
	t.requests += other.requests
	t.missed += other.missed
	t.lost += other.lost
	t.late += other.late
	for code, n := range other.errors {
		t.errors[code] += n
	}
	t.latency.Merge(other.latency)
	t.waited += other.waited
	t.unsent += other.unsent
	if other.behind == nil {
		return
	}
	if t.behind == nil {
		t.behind = newHistogram()
	}
	t.behind.Merge(other.behind)
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(lowestMicros, highestMicros, digits)
}

// record notes a latency, within the bounds of the histogram.
func record(h *hdrhistogram.Histogram, took time.Duration) {
	_ = h.RecordValue(min(max(took.Microseconds(), lowestMicros), highestMicros)) // in bounds, so never refused
}
