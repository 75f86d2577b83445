package loadgen

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// PhaseSoak is when all loads of a soak run beside each other.
const PhaseSoak = "soak"

// SoakConfig says what a cluster is to bear for long. Zero values take the
// defaults that stand beside the fields; a negative number of flappers,
// watchers, messages or lists is none.
type SoakConfig struct {
	Target
	Duration time.Duration // 10 min
	Leases   int           // that live on, with all fields; 1,000
	Rate     float64       // single heartbeats a second of these; 500. Each needs three within its TTL
	TTL      time.Duration // of these; 10 s
	Flappers int           // leases of a second that fall silent and come back; 16
	Watchers int           // of these; 16
	Mail     float64       // messages a second, in bursts; 20
	Lists    float64       // lists a second of those that live on; 2
	Every    time.Duration // between two samples of what the nodes hold; 5 s
	Growth   float64       // by which a figure that should be flat may grow; 0.3, a third nearly
}

// SoakResult is what a soak found. As JSON it is the object of `bench soak -o
// json`.
type SoakResult struct {
	Mode    string  `json:"mode"`
	Seconds float64 `json:"seconds"`

	Renewals     int64   `json:"renewals"`
	RenewalsPerS float64 `json:"renewals_per_s"`
	Latency      Latency `json:"latency_ms"` // of a heartbeat, from when it was due

	RenewalsLost int64 `json:"renewals_lost"` // leases whose last acknowledged renewal is not there at the end; must be 0
	LiveDied     int64 `json:"live_died"`     // of those that live on; must be 0
	Flaps        int64 `json:"flaps"`         // silences of flappers that ended in a burial
	FlappedEarly int64 `json:"flapped_early"` // flappers buried before their TTL was over; must be 0
	Unburied     int64 `json:"unburied"`      // silences that did not end in a burial in time; must be 0
	Events       int64 `json:"events"`        // that watchers heard
	Disordered   int64 `json:"disordered"`    // events that came twice or too late; must be 0
	Broken       int64 `json:"broken"`        // watches that ended under the run
	Sent         int64 `json:"sent"`          // messages that were acknowledged
	Delivered    int64 `json:"delivered"`
	Lists        int64 `json:"lists"`
	ListsWrong   int64 `json:"lists_wrong"` // that were not whole; must be 0
	Findings           // of mail; must be 0

	Nodes      []SoakNode `json:"nodes"`
	Samples    int        `json:"samples"`
	Growth     float64    `json:"growth_bound"`
	Unverified int64      `json:"unverified"` // leases that live on, not renewed within their TTL before they died

	Leases      int              `json:"leases"`
	LeasesLeft  int              `json:"leases_left"`
	Endpoints   []string         `json:"endpoints"`
	Errors      int64            `json:"errors"`
	ErrorCodes  map[string]int64 `json:"error_codes"`
	Interrupted bool             `json:"interrupted"`
}

// SoakDefaults returns the configuration that a zero one becomes.
func SoakDefaults() SoakConfig { return SoakConfig{}.withDefaults() }

func (c SoakConfig) withDefaults() SoakConfig {
	c.Target = c.Target.withDefaults()
	orElse(&c.Duration, 10*time.Minute)
	orElse(&c.Leases, 1_000)
	orElse(&c.Rate, 500)
	orElse(&c.TTL, 10*time.Second)
	orElse(&c.Flappers, 16)
	orElse(&c.Watchers, 16)
	orElse(&c.Mail, 20)
	orElse(&c.Lists, 2)
	orElse(&c.Every, 5*time.Second)
	orElse(&c.Growth, 0.3)
	return c
}

// maxSamples bounds what a soak remembers of each node.
const maxSamples = 100_000

func (c SoakConfig) validate() error {
	return errors.Join(
		c.Target.validate(),
		check(c.Duration > 0, "duration %v: want more than 0", c.Duration),
		check(c.Leases >= 1 && c.Leases <= 1_000_000, "leases %d: want 1 to 1,000,000", c.Leases),
		check(c.TTL >= wire.MinTTL && c.TTL <= wire.MaxTTL, "ttl %v: want %v to %v", c.TTL, wire.MinTTL, wire.MaxTTL),
		check(c.Rate <= maxBeatRate && c.Rate*c.TTL.Seconds() >= float64(renewalsPerTTL*c.Leases),
			"rate %v: want %d heartbeats a lease within its TTL, at most 1,000,000 a second", c.Rate, renewalsPerTTL),
		check(c.Flappers <= 10_000, "flappers %d: want at most 10,000", c.Flappers),
		check(c.Watchers <= 10_000, "watchers %d: want at most 10,000", c.Watchers),
		check(c.Mail <= 10_000, "mail %v: want at most 10,000", c.Mail),
		check(c.Lists <= 10_000, "lists %v: want at most 10,000", c.Lists),
		check(c.Every > 0 && c.Duration/c.Every <= maxSamples, "every %v: want more than 0, at most 100,000 samples", c.Every),
		check(c.Duration/3 >= c.Every, "duration %v: want three times what is between two samples, %v, at least", c.Duration, c.Every),
		check(c.Growth > 0, "growth %v: want more than 0", c.Growth),
	)
}

// Failed returns an error when something acknowledged was lost, what lived
// died, what was silent lived on, a figure grew that should be flat or could not
// be judged, or a node was restarted or is dead.
func (r *SoakResult) Failed() error {
	found := errors.Join(
		none(r.RenewalsLost, "acknowledged renewals were lost"),
		none(r.LiveDied, "leases that were renewed died"),
		none(r.FlappedEarly, "leases were buried before their TTL was over"),
		none(r.Unburied, "silent leases were not buried in time"),
		none(r.Disordered, "events came twice or out of order"),
		none(r.ListsWrong, "lists were not whole"),
		none(r.Lost+r.Twice+r.Altered+r.Strange+r.Unsorted+r.Gaps, "messages were lost, altered, out of order or there twice"),
	)
	for _, n := range r.Nodes {
		found = errors.Join(found, n.failed(r.Interrupted))
	}
	if found == nil && r.Renewals == 0 && !r.Interrupted {
		return fmt.Errorf("nothing was renewed; errors by code: %v", r.ErrorCodes)
	}
	return found
}

func none(n int64, what string) error { return check(n == 0, "%d %s", n, what) }
