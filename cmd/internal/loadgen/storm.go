package loadgen

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Phases of a storm, after granting and before cleaning up.
const (
	PhaseSilence = "silence" // the last renewals of those that fall silent
	PhaseStorm   = "storm"   // waiting for their burials
)

// herdKeepers is how many connections renew in batches.
const herdKeepers = 16

// StormConfig says how many leases there are, and how many of them fall silent
// at once. Zero values take the defaults that stand beside the fields.
type StormConfig struct {
	Target
	Leases   int           // of one service that only this run has, with all fields; 10,000
	Silent   int           // of them; all
	TTL      time.Duration // of each lease; 10 s. Long enough to renew all of them three times
	LiveRate float64       // single heartbeats a second of leases that live on; 1,000. Those for which it is too little are renewed in batches
	Patience time.Duration // how long after it was due a burial is waited for; 30 s
	Runs     int           // whole storms, one after the other, at most 100; 1
}

// StormResult is what a storm measured. As JSON it is the object of `bench
// storm -o json`. Times count on the driver's clock.
type StormResult struct {
	Mode    string  `json:"mode"`
	Seconds float64 `json:"seconds"` // from the last renewal until the last burial was known
	Leases  int     `json:"leases"`
	Silent  int     `json:"silent"`
	TTLMS   int64   `json:"ttl_ms"`

	Buried   int64 `json:"buried"`    // of the silent, as a watch told
	Unburied int64 `json:"unburied"`  // of the silent, neither buried within the patience nor held
	Held     int64 `json:"held"`      // that the cluster's protection against mass expiry holds
	Early    int64 `json:"early"`     // of the silent, buried before their TTL was over
	LiveDied int64 `json:"live_died"` // of the others; must be 0

	SilenceMS float64 `json:"silence_ms"` // from the first to the last of the last renewals
	SpreadMS  float64 `json:"spread_ms"`  // from the first to the last burial that was known
	Late      Latency `json:"late_ms"`    // from TTL after the last renewal was sent until its burial was known: the most it can be
	LateLeast Latency `json:"late_least_ms"`
	Overdue   Latency `json:"overdue_ms"` // as the certificates say

	LiveBeats int64   `json:"live_beats"` // single heartbeats of the living, acknowledged
	Calm      Latency `json:"live_calm_ms"`
	Storm     Latency `json:"live_storm_ms"` // from the first burial that is due to the last that is known

	Usage // from the last renewal until the last burial was known; a request is a burial

	Grants       int64            `json:"grants"`
	GrantsPerS   float64          `json:"grants_per_s"`
	GrantLatency Latency          `json:"grant_latency_ms"`
	Broken       int64            `json:"broken"`    // streams of the watch that ended under the run
	Anew         int64            `json:"anew"`      // times that events were lost, since the watch was too slow
	Refused      int64            `json:"refused"`   // of the silent, ended before their last renewal: no lateness is known of them
	LiveLate     int64            `json:"live_late"` // of those that live on, died since they were not renewed within their TTL
	LeasesLeft   int              `json:"leases_left"`
	Endpoints    []string         `json:"endpoints"`
	Errors       int64            `json:"errors"` // renewals that were refused or not answered
	ErrorCodes   map[string]int64 `json:"error_codes"`
	Interrupted  bool             `json:"interrupted"`
	Runs         []StormResult    `json:"runs,omitempty"` // each, where there were several
}

// StormDefaults returns the configuration that a zero one becomes.
func StormDefaults() StormConfig { return StormConfig{}.withDefaults() }

func (c StormConfig) withDefaults() StormConfig {
	c.Target = c.Target.withDefaults()
	orElse(&c.Leases, 10_000)
	orElse(&c.Silent, c.Leases)
	orElse(&c.TTL, 10*time.Second)
	orElse(&c.LiveRate, 1_000)
	orElse(&c.Patience, 30*time.Second)
	orElse(&c.Runs, 1)
	return c
}

func (c StormConfig) validate() error {
	return errors.Join(
		c.Target.validate(),
		check(c.Leases >= 1 && c.Leases <= 10_000_000, "leases %d: want 1 to 10,000,000", c.Leases),
		check(c.Silent >= 1 && c.Silent <= c.Leases, "silent %d: want 1 to the number of leases", c.Silent),
		check(c.TTL >= wire.MinTTL && c.TTL <= wire.MaxTTL, "ttl %v: want %v to %v", c.TTL, wire.MinTTL, wire.MaxTTL),
		check(c.LiveRate > 0 && c.LiveRate <= maxBeatRate, "live rate %v: want more than 0, at most 1,000,000", c.LiveRate),
		checkRuns(c.Runs),
		check(c.Patience > 0, "patience %v: want more than 0", c.Patience),
	)
}

// single is how many of the living single heartbeats can keep alive.
func (c *StormConfig) single() int {
	return min(c.Leases-c.Silent, max(1, int(c.LiveRate*(c.TTL/renewalsPerTTL).Seconds())))
}

func (r *StormResult) several() *[]StormResult { return &r.Runs }

// Failed returns an error when a lease died that should have lived, or one
// lived on that should have died.
func (r *StormResult) Failed() error {
	if len(r.Runs) > 0 {
		return failedOf(r.Runs)
	}
	switch {
	case r.LiveDied > 0 || r.Early > 0:
		return fmt.Errorf("%d leases that were renewed died, %d were buried before their TTL was over", r.LiveDied, r.Early)
	case r.Interrupted:
		return nil
	case r.Refused > 0:
		return fmt.Errorf("%d silent leases had ended before their last renewal: the driver was late, or the cluster early", r.Refused)
	case r.Unburied > 0:
		return fmt.Errorf("%d of %d silent leases were not buried in time", r.Unburied, r.Silent)
	}
	return nil
}
