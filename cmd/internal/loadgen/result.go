package loadgen

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a run measured. As JSON it is the object of `bench -o json`.
type Result struct {
	Mode         string  `json:"mode"`
	Seconds      float64 `json:"seconds"`  // of renewing
	Renewals     int64   `json:"renewals"` // acknowledged; duplicates do not count
	Errors       int64   `json:"errors"`   // renewals that were refused or not answered
	RenewalsPerS float64 `json:"renewals_per_s"`
	Latency      Latency `json:"latency_ms"` // of the requests that were acknowledged

	Requests        int64            `json:"requests"`
	BeatsPerRequest float64          `json:"beats_per_request"`
	ErrorCodes      map[string]int64 `json:"error_codes"` // by the contract's code, timeout, connection, stopped or http_<status>

	Leases       int      `json:"leases"` // asked for
	Grants       int64    `json:"grants"`
	GrantsPerS   float64  `json:"grants_per_s"`
	GrantErrors  int64    `json:"grant_errors"`
	GrantLatency Latency  `json:"grant_latency_ms"`
	LeasesLost   int64    `json:"leases_lost"` // ended under the run: the TTL is shorter than a round
	LeasesLeft   int      `json:"leases_left"` // not ended in the clean-up: their TTL ends them
	Workers      int      `json:"workers"`     // connections
	Endpoints    []string `json:"endpoints"`
	Codec        string   `json:"codec"`
	Pipeline     int      `json:"pipeline,omitempty"` // heartbeats in flight a connection, of a session
	TTLMS        int64    `json:"ttl_ms"`
	Interrupted  bool     `json:"interrupted"`

	Distribution []Bin `json:"distribution"` // of the latency
}

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

// heading is what a result says of the configuration.
func (c *Config) heading() Result {
	codec, pipeline := CodecJSON, 0
	if c.Mode != ModeSingle {
		codec = c.Codec
	}
	if c.Mode == ModeSession {
		pipeline = c.Pipeline
	}
	return Result{
		Mode: c.Mode, Leases: c.Leases, Workers: c.Workers, Endpoints: c.Endpoints,
		Codec: codec, Pipeline: pipeline, TTLMS: c.TTL.Milliseconds(),
		ErrorCodes: map[string]int64{}, Distribution: []Bin{},
	}
}

func (r *Result) granted(t *tally, took time.Duration) {
	r.Grants, r.GrantErrors = t.done.Load(), t.failed.Load()
	r.GrantsPerS = perSecond(r.Grants, took)
	r.GrantLatency = latencyOf(t.latency)
}

func (r *Result) renewed(t *tally, took time.Duration) {
	r.Seconds = took.Seconds()
	r.Renewals, r.Errors, r.Requests = t.done.Load(), t.failed.Load(), t.requests
	r.RenewalsPerS = perSecond(r.Renewals, took)
	if t.requests > 0 {
		r.BeatsPerRequest = float64(r.Renewals) / float64(t.requests)
	}
	r.LeasesLost, r.ErrorCodes = t.lost, t.errors
	r.Latency = latencyOf(t.latency)
	r.Distribution = bins(t.latency)
}

func perSecond(n int64, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return float64(n) / took.Seconds()
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
