package loadgen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Modes of a run of grants, as its result tells them.
const (
	ModeGrant        = "grant"         // over HTTP
	ModeGrantSession = "grant_session" // over sessions
)

// GrantResult is what a run of grants measured. As JSON it is the object of
// `bench grant -o json`.
type GrantResult struct {
	Mode string `json:"mode"`
	Granted

	Leases      int       `json:"leases"` // of each run
	Full        bool      `json:"full"`
	LeasesLeft  int       `json:"leases_left"` // not ended in the clean-up, of all runs: their TTL ends them
	Workers     int       `json:"workers"`     // connections
	Endpoints   []string  `json:"endpoints"`
	Codec       string    `json:"codec"`
	Pipeline    int       `json:"pipeline,omitempty"` // registrations in flight a connection, of a session
	TTLMS       int64     `json:"ttl_ms"`
	Interrupted bool      `json:"interrupted"`
	Runs        []Granted `json:"runs,omitempty"` // each, where there were several
}

// Granted is what one run of grants measured, or the medians of several.
type Granted struct {
	Seconds    float64 `json:"seconds"` // of granting
	Grants     int64   `json:"grants"`  // acknowledged
	Errors     int64   `json:"errors"`  // registrations that were refused or not answered, and tried again
	GrantsPerS float64 `json:"grants_per_s"`
	Latency    Latency `json:"latency_ms"` // of those that were acknowledged

	ErrorCodes map[string]int64 `json:"error_codes"`
	Missed     int64            `json:"latency_missed"` // requests that failed: they are not in the latency
	OpenLoop   *OpenLoop        `json:"open_loop,omitempty"`
	Usage
	Distribution []Bin `json:"distribution"` // of the latency; of several runs, of all together
}

// GrantDefaults returns the configuration that a run of grants begins with:
// more leases than one of renewing, and full ones.
func GrantDefaults() Config {
	c := Config{}.withDefaults()
	c.Leases, c.Full = 50_000, true
	return c
}

// RunGrant registers leases, ends them again, and returns how fast they were
// granted. Of the configuration Mode says how: ModeSession, or else over HTTP.
// Duration and Batch do not matter. Errors are those of Run.
func RunGrant(ctx context.Context, cfg Config) (*GrantResult, error) {
	cfg = cfg.withDefaults()
	if err := errors.Join(cfg.validate(), cfg.validateGrants()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	r := newRun(cfg.fit())
	defer r.dismiss()
	result := cfg.grantHeading(r.cfg.Workers)
	err := r.measureGrants(ctx, result)
	result.Interrupted = ctx.Err() != nil
	return result, err
}

func (c Config) validateGrants() error {
	return errors.Join(
		check(c.Mode != ModeBatch, "mode %q: grants have %s or %s", c.Mode, ModeSingle, ModeSession),
		check(c.Mode != ModeSession || c.Leases <= c.Workers*wire.MaxSessionLeases,
			"leases %d: want at most %d for each of %d sessions", c.Leases, wire.MaxSessionLeases, c.Workers),
	)
}

func (c Config) grantHeading(workers int) *GrantResult {
	r := &GrantResult{
		Mode: ModeGrant, Leases: c.Leases, Full: c.Full, Workers: workers, Endpoints: c.Endpoints, Codec: CodecJSON, TTLMS: c.TTL.Milliseconds(),
		Granted: Granted{ErrorCodes: map[string]int64{}, Distribution: []Bin{}},
	}
	if c.Mode == ModeSession {
		r.Mode, r.Codec, r.Pipeline = ModeGrantSession, c.Codec, c.Pipeline
	}
	return r
}

// measureGrants makes all runs, each with ids of its own.
func (r *run) measureGrants(ctx context.Context, result *GrantResult) error {
	var runs []Granted
	for i := range r.cfg.Runs {
		r.renumber(i * r.cfg.Leases)
		one, err := r.grantMeasured(ctx)
		if !r.cfg.Keep {
			r.cleanUp(context.WithoutCancel(ctx))
			result.LeasesLeft = r.result.LeasesLeft
		}
		whole := err == nil && ctx.Err() == nil
		if whole || len(runs) == 0 { // what was not finished would spoil the medians
			runs = append(runs, one)
		}
		if !whole {
			result.tell(runs)
			return err
		}
	}
	result.tell(runs)
	return nil
}

// tell makes the figures those of the runs, of which there is at least one.
func (r *GrantResult) tell(runs []Granted) {
	r.Granted = medians(runs)
	if len(runs) > 1 {
		r.Runs = runs
		r.Distribution = sumBins(runs, func(g Granted) []Bin { return g.Distribution })
	}
}

// grantMeasured registers all leases over as many connections as the run has.
func (r *run) grantMeasured(ctx context.Context) (Granted, error) {
	var (
		target = r.cfg.target()
		s      schedule
		m      *meter
	)
	err := r.grantBy(ctx, r.cfg.Workers, func() schedule {
		r.prepare(newSessionGrants)
		m = startMeter(ctx, &target)
		s = schedule{start: time.Now(), rate: r.cfg.Rate, connections: len(r.crew)}
		return s
	})
	took, t := time.Since(s.start), r.tally()
	return granted(t, s, took, m.stop(t.requests)), err
}

func granted(t *tally, s schedule, took time.Duration, used Usage) Granted {
	return Granted{
		Seconds: took.Seconds(), Grants: t.done.Load(), Errors: t.failed.Load(), GrantsPerS: perSecond(t.done.Load(), took),
		Missed: t.missed, Latency: latencyOf(t.latency), ErrorCodes: t.errors, OpenLoop: s.openLoop(t, took), Usage: used, Distribution: bins(t.latency),
	}
}

// Failed returns an error when nothing was granted at all.
func (r *GrantResult) Failed() error {
	if r.Grants > 0 || r.Interrupted {
		return nil
	}
	return fmt.Errorf("nothing was granted; errors by code: %v", r.ErrorCodes)
}
