package loadgen

import (
	"maps"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latency is a distribution in milliseconds, to 1 %.
type Latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`

	P90   float64 `json:"p90"`
	P9999 float64 `json:"p9999"`
}

// Bin counts the requests that took longer than the bin before, and at most
// this.
type Bin struct {
	UpToMS float64 `json:"up_to_ms"`
	Count  int64   `json:"count"`
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	if h.TotalCount() == 0 {
		return Latency{}
	}
	ms := func(percentile float64) float64 { return float64(h.ValueAtPercentile(percentile)) / 1000 }
	return Latency{
		P50: ms(50), P90: ms(90), P99: ms(99), P999: ms(99.9), P9999: ms(99.99), Max: float64(h.Max()) / 1000,
	}
}

// bins counts by octaves of 2^n µs, from the first to the last that is not
// empty.
func bins(h *hdrhistogram.Histogram) []Bin {
	counts := make(map[int64]int64)
	first, last := int64(0), int64(0)
	for _, bar := range h.Distribution() {
		if bar.Count == 0 {
			continue
		}
		octave := int64(1)
		for octave < bar.To {
			octave *= 2
		}
		if first == 0 {
			first = octave
		}
		counts[octave] += bar.Count
		last = octave
	}
	out := []Bin{}
	for octave := first; octave != 0 && octave <= last; octave *= 2 {
		out = append(out, Bin{UpToMS: float64(octave) / 1000, Count: counts[octave]})
	}
	return out
}

// sumBins adds up the bins of several runs.
func sumBins[R any](runs []R, of func(R) []Bin) []Bin {
	counts := make(map[float64]int64)
	for _, run := range runs {
		for _, b := range of(run) {
			counts[b.UpToMS] += b.Count
		}
	}
	out := []Bin{}
	for _, upTo := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, Bin{UpToMS: upTo, Count: counts[upTo]})
	}
	return out
}
