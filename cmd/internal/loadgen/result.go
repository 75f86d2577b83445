package loadgen

import "time"

// Result is what a run measured. As JSON it is the object of `bench -o json`.
type Result struct {
	Mode string `json:"mode"`
	Renewed

	Leases       int       `json:"leases"` // asked for
	Full         bool      `json:"full"`
	Grants       int64     `json:"grants"`
	GrantsPerS   float64   `json:"grants_per_s"`
	GrantErrors  int64     `json:"grant_errors"`
	GrantLatency Latency   `json:"grant_latency_ms"`
	LeasesLeft   int       `json:"leases_left"` // not ended in the clean-up: their TTL ends them
	Workers      int       `json:"workers"`     // connections
	Endpoints    []string  `json:"endpoints"`
	Codec        string    `json:"codec"`
	Pipeline     int       `json:"pipeline,omitempty"` // heartbeats in flight a connection, of a session
	TTLMS        int64     `json:"ttl_ms"`
	Interrupted  bool      `json:"interrupted"`
	Runs         []Renewed `json:"runs,omitempty"` // each, where there were several
}

// Renewed is what one run of renewing measured, or the medians of several.
type Renewed struct {
	Seconds      float64 `json:"seconds"`  // of renewing
	Renewals     int64   `json:"renewals"` // acknowledged; duplicates do not count
	Errors       int64   `json:"errors"`   // renewals that were refused or not answered
	RenewalsPerS float64 `json:"renewals_per_s"`
	Latency      Latency `json:"latency_ms"` // of the requests that were acknowledged

	Requests        int64            `json:"requests"`
	BeatsPerRequest float64          `json:"beats_per_request"`
	ErrorCodes      map[string]int64 `json:"error_codes"`    // by the contract's code, timeout, connection, stopped or http_<status>
	LeasesLost      int64            `json:"leases_lost"`    // ended under the run: the TTL is shorter than a round
	Missed          int64            `json:"latency_missed"` // requests that failed: they are not in the latency
	OpenLoop        *OpenLoop        `json:"open_loop,omitempty"`
	Usage
	Distribution []Bin `json:"distribution"` // of the latency; of several runs, of all together
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
		Mode: c.Mode, Leases: c.Leases, Full: c.Full, Workers: c.Workers, Endpoints: c.Endpoints,
		Codec: codec, Pipeline: pipeline, TTLMS: c.TTL.Milliseconds(),
		Renewed: Renewed{ErrorCodes: map[string]int64{}, Distribution: []Bin{}, Usage: Usage{Nodes: []NodeUsage{}}},
	}
}

func (r *Result) granted(t *tally, took time.Duration) {
	r.Grants, r.GrantErrors = t.done.Load(), t.failed.Load()
	r.GrantsPerS = perSecond(r.Grants, took)
	r.GrantLatency = latencyOf(t.latency)
}

// tell makes the figures those of the runs, of which there is at least one.
func (r *Result) tell(runs []Renewed) {
	r.Renewed = medians(runs)
	if len(runs) > 1 {
		r.Runs = runs
		r.Distribution = sumBins(runs, func(one Renewed) []Bin { return one.Distribution })
	}
}

func renewed(t *tally, s schedule, took time.Duration, used Usage) Renewed {
	r := Renewed{
		Seconds: took.Seconds(), Renewals: t.done.Load(), Errors: t.failed.Load(), RenewalsPerS: perSecond(t.done.Load(), took),
		Latency: latencyOf(t.latency), Missed: t.missed, Requests: t.requests, ErrorCodes: t.errors, LeasesLost: t.lost,
		OpenLoop: s.openLoop(t, took), Usage: used, Distribution: bins(t.latency),
	}
	if t.requests > 0 {
		r.BeatsPerRequest = float64(r.Renewals) / float64(t.requests)
	}
	return r
}

func perSecond(n int64, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return float64(n) / took.Seconds()
}
