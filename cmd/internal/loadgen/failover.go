package loadgen

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Phases of a run that kills leaders.
const (
	PhaseStart = "start"  // until all nodes are ready
	PhaseRound = "rounds" // a kill each
)

// FailoverConfig says how often the leader of three nodes is killed. The nodes
// are children of this process. Zero values take the defaults that stand beside
// the fields.
type FailoverConfig struct {
	Binary     string   // that runs as a node; must be named
	ServerArgs []string // further arguments of each node
	Rounds     int      // 5
	Leases     int      // held meanwhile, with all fields; 1,000
	Prefix     string   // of all ids; "bench-"

	TTL      time.Duration // of each lease; 10 s
	Steady   time.Duration // of writing before each kill; 2 s
	Patience time.Duration // until a commit, and until a node that was started is ready; 60 s

	// Bind may arrange that a child ends with this process. It is called before
	// the child starts, by the goroutine that starts it, and what it returns
	// when the child has ended, by the same one; may be nil.
	Bind func(*exec.Cmd) (release func())

	// Watch is told now and then how far the run is, from one goroutine; may
	// be nil.
	Watch func(Progress)
}

// FailoverResult is what killing leaders showed. As JSON it is the object of
// `bench failover -o json`.
type FailoverResult struct {
	Mode    string          `json:"mode"`
	Seconds float64         `json:"seconds"` // of all rounds
	Rounds  []FailoverRound `json:"rounds"`

	FirstCommit Spread `json:"first_commit_ms"`
	Gap         Spread `json:"gap_ms"`
	Ready       Spread `json:"ready_ms"`

	RenewalsLost int64 `json:"renewals_lost"` // acknowledged, but not there after a round; must be 0
	GrantsLost   int64 `json:"grants_lost"`   // the same of grants
	LeasesEnded  int64 `json:"leases_ended"`  // that were renewed and are not there after a round; must be 0

	Grants      int64            `json:"grants"`   // acknowledged to the writers
	Renewals    int64            `json:"renewals"` // acknowledged to them
	Leases      int              `json:"leases"`
	TTLMS       int64            `json:"ttl_ms"`
	ServerArgs  []string         `json:"server_args,omitempty"`
	Unverified  int64            `json:"unverified"`  // not there, but not renewed within their TTL before they were read
	ErrorCodes  map[string]int64 `json:"error_codes"` // of writes that were refused or not answered
	Interrupted bool             `json:"interrupted"`
}

// FailoverRound is one kill. What was not reached is 0.
type FailoverRound struct {
	Killed       string  `json:"killed"`
	FirstCommit  float64 `json:"first_commit_ms"` // from the kill until a write that was sent after it was acknowledged
	Gap          float64 `json:"gap_ms"`          // the longest between two renewals acknowledged to one client, around the kill
	Ready        float64 `json:"ready_ms"`        // from the start of the killed node until it is ready
	RenewalsLost int64   `json:"renewals_lost"`
	GrantsLost   int64   `json:"grants_lost"` // of the writers' own leases: acknowledged, but an older one is there
	LeasesEnded  int64   `json:"leases_ended"`
	Unverified   int64   `json:"unverified"`
}

// Spread is the middle and the worst of the rounds, in milliseconds.
type Spread struct {
	Median float64 `json:"median"`
	Worst  float64 `json:"worst"`
}

// FailoverDefaults returns the configuration that a zero one becomes.
func FailoverDefaults() FailoverConfig { return FailoverConfig{}.withDefaults() }

func (c FailoverConfig) withDefaults() FailoverConfig {
	orElse(&c.Rounds, 5)
	orElse(&c.Leases, 1_000)
	orElse(&c.Prefix, "bench-")
	orElse(&c.TTL, 10*time.Second)
	orElse(&c.Steady, 2*time.Second)
	orElse(&c.Patience, 60*time.Second)
	if c.Bind == nil {
		c.Bind = func(*exec.Cmd) func() { return func() {} }
	}
	return c
}

func (c *FailoverConfig) validate() error {
	return errors.Join(
		check(c.Binary != "", "no binary to run as nodes"),
		check(prefixShape.MatchString(c.Prefix), "prefix %q: want up to 100 of [A-Za-z0-9._~:@-], not a dot first", c.Prefix),
		check(c.Rounds >= 1 && c.Rounds <= 1_000, "rounds %d: want 1 to 1,000", c.Rounds),
		check(c.Leases >= 1 && c.Leases <= 1_000_000, "leases %d: want 1 to 1,000,000", c.Leases),
		check(c.TTL >= wire.MinTTL && c.TTL <= wire.MaxTTL, "ttl %v: want %v to %v", c.TTL, wire.MinTTL, wire.MaxTTL),
		check(c.Steady > 0, "steady %v: want more than 0", c.Steady),
		check(c.Patience > 0, "patience %v: want more than 0", c.Patience),
	)
}

// finish works out what the rounds have in common.
func (r *FailoverResult) finish() {
	r.FirstCommit = spreadOf(r.Rounds, func(f FailoverRound) float64 { return f.FirstCommit })
	r.Gap = spreadOf(r.Rounds, func(f FailoverRound) float64 { return f.Gap })
	r.Ready = spreadOf(r.Rounds, func(f FailoverRound) float64 { return f.Ready })
	for _, round := range r.Rounds {
		r.RenewalsLost += round.RenewalsLost
		r.GrantsLost += round.GrantsLost
		r.LeasesEnded += round.LeasesEnded
		r.Unverified += round.Unverified
	}
}

// spreadOf leaves out what was not reached.
func spreadOf(rounds []FailoverRound, of func(FailoverRound) float64) Spread {
	var all []float64
	for _, r := range rounds {
		if v := of(r); v > 0 {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return Spread{}
	}
	return Spread{Median: medianOf(all), Worst: slices.Max(all)}
}

// medianOf is the middle one, of an even number of them the lower of the two.
// There must be one; they are sorted afterwards.
func medianOf(values []float64) float64 {
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// Failed returns an error when something acknowledged was lost, a lease that
// was renewed ended, or the cluster did not come back.
func (r *FailoverResult) Failed() error {
	switch {
	case r.RenewalsLost > 0 || r.GrantsLost > 0 || r.LeasesEnded > 0:
		return fmt.Errorf("%d acknowledged renewals and %d grants were lost, %d leases that were renewed ended", r.RenewalsLost, r.GrantsLost, r.LeasesEnded)
	case r.Interrupted:
		return nil
	}
	for i, round := range r.Rounds {
		if round.FirstCommit == 0 || round.Ready == 0 {
			return fmt.Errorf("round %d: the cluster did not come back in time", i+1)
		}
	}
	return nil
}
