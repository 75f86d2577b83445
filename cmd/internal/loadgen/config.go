// Package loadgen is the load driver behind `rollcall bench`: it registers
// leases, renews them for a while over keep-alive connections, one goroutine
// each, and tells how many renewals a second were acknowledged and how long
// they took.
//
// Without a rate it is a closed loop: a connection sends its next request when
// the one before was answered, so that a slow cluster is asked less, not queued
// at. With one it is an open loop, whose latencies count from when each request
// was due. It shares its machine with the cluster under test more often than not, so it speaks
// HTTP/1.1 by hand and allocates nothing per request. It renders nothing:
// progress and results are values.
package loadgen

import (
	"errors"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Modes of renewing.
const (
	ModeSingle  = "single"  // one request a heartbeat
	ModeBatch   = "batch"   // POST /v1/heartbeats
	ModeSession = "session" // a WebSocket a connection, several heartbeats in flight
)

// Codecs of a batch, and of a session, which has no binary one.
const (
	CodecJSON   = "json"
	CodecBinary = "binary"
	CodecCBOR   = "cbor"
)

// maxRuns bounds the runs whose medians are told.
const maxRuns = 100

// Config says what to drive and how hard. Zero values take the defaults that
// stand beside the fields.
type Config struct {
	Endpoints []string      // base URLs or host:port, http only; connections spread over them in turn
	Token     string        // sent as a bearer token when not empty
	Mode      string        // single
	Leases    int           // 10,000
	Workers   int           // connections that renew; 64. Fewer in batch mode when there is not a batch for each
	Duration  time.Duration // of renewing; 10 s. Granting and cleaning up come on top
	TTL       time.Duration // of each lease; 5 min. Must be longer than one round over all leases
	Batch     int           // beats a request in batch mode, 1 to 10,000; 1,000
	Pipeline  int           // heartbeats in flight on each connection in session mode, 1 to 1,024; 1
	Codec     string        // of a batch or a session; json
	NS        string        // default
	Service   string        // bench
	Full      bool          // the leases carry an address, a port, two tags and meta, too, and ids of 40 bytes
	Prefix    string        // of the ids; "bench-"
	Rate      float64       // requests a second over all connections, an open loop, at most 10,000,000; 0: a closed loop
	Runs      int           // of what is measured, one after the other, at most 100; 1
	Keep      bool          // leave the leases to their TTL instead of ending them

	// Timeout of one request, from the first byte sent to the last byte read;
	// 10 s. It is enforced to within a second. Granting gives up on a cluster
	// that has granted nothing for as long.
	Timeout time.Duration

	// Watch is told now and then how far the run is, from one goroutine; may
	// be nil.
	Watch func(Progress)
}

// ErrConfig is returned when a configuration cannot be driven.
var ErrConfig = errors.New("cannot drive this")

// Defaults returns the configuration that a zero Config becomes.
func Defaults() Config { return Config{}.withDefaults() }

func (c Config) withDefaults() Config {
	t := c.target().withDefaults()
	c.Endpoints, c.NS, c.Prefix, c.Timeout = t.Endpoints, t.NS, t.Prefix, t.Timeout
	orElse(&c.Mode, ModeSingle)
	orElse(&c.Leases, 10_000)
	orElse(&c.Workers, 64)
	orElse(&c.Duration, 10*time.Second)
	orElse(&c.TTL, 5*time.Minute)
	orElse(&c.Batch, 1_000)
	orElse(&c.Pipeline, 1)
	orElse(&c.Codec, CodecJSON)
	orElse(&c.Service, "bench")
	orElse(&c.Runs, 1)
	return c
}

func (c Config) shape() *shape { return &shape{service: c.Service, ttl: c.TTL, full: c.Full} }

func (c Config) target() Target {
	return Target{Endpoints: c.Endpoints, Token: c.Token, NS: c.NS, Prefix: c.Prefix, Timeout: c.Timeout, Watch: c.Watch}
}

// fit bounds the workers by the work: each has as many leases as it renews at
// once if there are that many.
func (c Config) fit() Config {
	atOnce := &c.Batch
	switch c.Mode {
	case ModeSingle:
		c.Batch = 1
	case ModeSession:
		atOnce = &c.Pipeline
	}
	*atOnce = min(*atOnce, c.Leases)
	c.Workers = min(c.Workers, c.Leases / *atOnce)
	return c
}

func (c Config) validate() error {
	return errors.Join(
		c.target().validate(),
		check(slices.Contains([]string{ModeSingle, ModeBatch, ModeSession}, c.Mode),
			"mode %q: want %s, %s or %s", c.Mode, ModeSingle, ModeBatch, ModeSession),
		check(c.Codec == CodecJSON || c.Codec == CodecBinary || c.Codec == CodecCBOR,
			"codec %q: want %s, %s or %s", c.Codec, CodecJSON, CodecBinary, CodecCBOR),
		check(c.Mode != ModeSession || c.Codec != CodecBinary, "codec %q: a session has %s or %s", c.Codec, CodecJSON, CodecCBOR),
		check(c.Leases >= 1 && c.Leases <= 10_000_000, "leases %d: want 1 to 10,000,000", c.Leases),
		check(c.Workers >= 1 && c.Workers <= 100_000, "workers %d: want 1 to 100,000", c.Workers),
		check(c.Duration > 0, "duration %v: want more than 0", c.Duration),
		check(c.TTL >= time.Millisecond, "ttl %v: want at least 1ms", c.TTL),
		check(c.Batch >= 1 && c.Batch <= wire.MaxBeats, "batch %d: want 1 to %d", c.Batch, wire.MaxBeats),
		check(c.Pipeline >= 1 && c.Pipeline <= maxPipeline, "pipeline %d: want 1 to %d", c.Pipeline, maxPipeline),
		check(c.Rate >= 0 && c.Rate <= maxRate, "rate %v: want 0 to 10,000,000", c.Rate),
		checkRuns(c.Runs),
		check(nameShape.MatchString(c.Service), "service %q: want [A-Za-z0-9._-]{1,64}", c.Service),
	)
}

func checkRuns(n int) error {
	return check(n >= 1 && n <= maxRuns, "runs %d: want 1 to %d", n, maxRuns)
}
