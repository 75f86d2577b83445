package loadgen

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// PhaseList is when workers list.
const PhaseList = "list"

// ListConfig says how many workers list how many leases. Zero values take the
// defaults that stand beside the fields.
type ListConfig struct {
	Target
	Leases      int           // of one service that only this run has, with all fields; 1,000
	Workers     int           // connections, each asking when the list before was answered; 32
	Duration    time.Duration // of listing; 10 s
	Consistency string        // local, leader or linearizable; local
	Fields      string        // of a lease, comma-separated; all
	ETag        bool          // ask for what changed only, with the ETag of the list before
	Renew       float64       // single heartbeats a second beside; none
	Runs        int           // whole ones, one after the other, at most 100; 1
}

// ListResult is what a run with lists measured. As JSON it is the object of
// `bench list -o json`.
type ListResult struct {
	Mode    string  `json:"mode"`
	Seconds float64 `json:"seconds"` // of listing
	Lists   int64   `json:"lists"`   // that were answered and whole
	Errors  int64   `json:"errors"`  // that were refused or not answered
	Wrong   int64   `json:"wrong"`   // that were answered, but not with the leases there are

	ListsPerS     float64 `json:"lists_per_s"`
	MBPerS        float64 `json:"mb_per_s"`        // of bodies; 1 MB is 10^6 bytes
	BytesPerList  float64 `json:"bytes_per_list"`  // of those with a body
	NotModified   int64   `json:"not_modified"`    // of the lists, those answered by 304
	LeasesPerList int     `json:"leases_per_list"` // a page at most
	Latency       Latency `json:"latency_ms"`

	Renewals     int64   `json:"renewals"` // beside
	RenewLatency Latency `json:"renew_latency_ms"`

	Usage // while listing; a request is a list

	Leases      int              `json:"leases"`
	LeasesLeft  int              `json:"leases_left"` // not ended in the clean-up: their TTL ends them
	LeasesLost  int64            `json:"leases_lost"` // ended under the run
	Workers     int              `json:"workers"`
	Consistency string           `json:"consistency"`
	Fields      string           `json:"fields,omitempty"`
	Endpoints   []string         `json:"endpoints"`
	ErrorCodes  map[string]int64 `json:"error_codes"`
	Interrupted bool             `json:"interrupted"`
	Runs        []ListResult     `json:"runs,omitempty"` // each, where there were several
}

// ListDefaults returns the configuration that a zero one becomes.
func ListDefaults() ListConfig { return ListConfig{}.withDefaults() }

func (c ListConfig) withDefaults() ListConfig {
	c.Target = c.Target.withDefaults()
	orElse(&c.Leases, 1_000)
	orElse(&c.Workers, 32)
	orElse(&c.Duration, 10*time.Second)
	orElse(&c.Consistency, readLocal)
	orElse(&c.Runs, 1)
	return c
}

// Consistencies of a read.
const (
	readLocal        = "local" // which is not said
	readLeader       = "leader"
	readLinearizable = "linearizable"
)

// maxBeatRate bounds single heartbeats a second by a timetable.
const maxBeatRate = 1_000_000

var fieldsShape = regexp.MustCompile(`^[a-z_]*(,[a-z_]+)*$`)

func (c ListConfig) validate() error {
	return errors.Join(
		c.Target.validate(),
		check(c.Leases >= 1 && c.Leases <= 1_000_000, "leases %d: want 1 to 1,000,000", c.Leases),
		check(c.Workers >= 1 && c.Workers <= 10_000, "workers %d: want 1 to 10,000", c.Workers),
		check(c.Duration > 0, "duration %v: want more than 0", c.Duration),
		check(slices.Contains([]string{readLocal, readLeader, readLinearizable}, c.Consistency),
			"consistency %q: want %s, %s or %s", c.Consistency, readLocal, readLeader, readLinearizable),
		check(fieldsShape.MatchString(c.Fields), "fields %q: want names with commas between", c.Fields),
		checkRuns(c.Runs),
		check(c.Renew >= 0 && c.Renew <= maxBeatRate, "renew %v: want 0 to 1,000,000", c.Renew),
	)
}

// ttl is long enough for granting and listing.
func (c *ListConfig) ttl() time.Duration {
	return min(max(5*time.Minute, 2*c.Duration), wire.MaxTTL)
}

// page is how many leases each list has.
func (c *ListConfig) page() int { return min(c.Leases, wire.MaxLimit) }

// path is that of every list.
func (c *ListConfig) path() string {
	query := fmt.Sprintf("?service=%s&limit=%d", serviceOf(c.Prefix), wire.MaxLimit)
	if c.Consistency != readLocal {
		query += "&consistency=" + c.Consistency
	}
	if c.Fields != "" {
		query += "&fields=" + c.Fields
	}
	return wire.PathAlive + c.query(query)
}

func (r *ListResult) several() *[]ListResult { return &r.Runs }

// Failed returns an error when an answer was not the list that it should be, or
// there was none.
func (r *ListResult) Failed() error {
	if len(r.Runs) > 0 {
		return failedOf(r.Runs)
	}
	switch {
	case r.Wrong > 0:
		return fmt.Errorf("%d lists were not whole", r.Wrong)
	case r.Lists == 0 && !r.Interrupted:
		return fmt.Errorf("nothing was listed; errors by code: %v", r.ErrorCodes)
	}
	return nil
}
