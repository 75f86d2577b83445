// Package api is the HTTP face of a node: it translates between the contract
// and the [Node] behind it.
//
// It does not decide anything about leases, keeps nothing but hints (round-trip
// times), opens no port, and starts no goroutine but those of streams, sessions
// and heartbeats, which [Server.Close] ends, and one that accepts. Everything about a route stands in one
// table, [Routes], and about what a session can be asked in another, sessionOps;
// every metric in a third, in metrics.go. The types of echo stay in echo.go.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Config is what a Server is made of.
type Config struct {
	Node    Node
	Version string // of the program
	Limits  Limits
	// AllowedHosts are the names, beside IP addresses and localhost, that a Host
	// header may have: the node's advertised names and what its operator allows.
	AllowedHosts []string
	// Registry takes this package's metrics, and is what /metrics shows; a new
	// one when nil.
	Registry *prometheus.Registry
	Logger   *slog.Logger // discarded when nil

	plain bool // package http answers all: for tests that hold the loops against it
}

// Limits are the configurable ones; zero values take the contract's.
type Limits struct {
	MaxBody                    int64         // bytes of a request body; 1 MiB. A node may hold as much for each request
	MaxMessage                 int           // bytes of a message's body; 64 KiB
	Watches                    int           // open at once, streams and long polls; 20,000
	Sessions                   int           // open at once; 20,000
	MinTTL, MaxTTL, DefaultTTL time.Duration // whole milliseconds; 500 ms, 24 h, 10 s
}

func (l *Limits) withDefaults() {
	if l.MaxBody == 0 {
		l.MaxBody = wire.MaxBody
	}
	if l.MaxMessage == 0 {
		l.MaxMessage = wire.MaxMessage
	}
	if l.Watches == 0 {
		l.Watches = defaultWatches
	}
	if l.Sessions == 0 {
		l.Sessions = defaultSessions
	}
	if l.MinTTL == 0 {
		l.MinTTL = wire.MinTTL
	}
	if l.MaxTTL == 0 {
		l.MaxTTL = wire.MaxTTL
	}
	if l.DefaultTTL == 0 {
		l.DefaultTTL = min(max(wire.DefaultTTL, l.MinTTL), l.MaxTTL)
	}
}

const (
	defaultWatches  = 20_000
	defaultSessions = 20_000
)

// mostMessage is what MaxMessage may be: an entry of Raft's log takes as much.
const mostMessage = 1 << 20

const longestTTL = (1<<32 - 1) * time.Millisecond // what the registry can hold

func (l *Limits) validate() error {
	if l.MaxBody < 1 || l.Watches < 1 || l.Sessions < 1 || l.MinTTL < time.Millisecond || l.DefaultTTL < l.MinTTL || l.MaxTTL < l.DefaultTTL || l.MaxTTL > longestTTL {
		return fmt.Errorf("limits %+v: want a positive body, watches, sessions, and 1ms <= min <= default <= max <= %v", *l, longestTTL)
	}
	if l.MaxMessage < 1 || l.MaxMessage > mostMessage {
		return fmt.Errorf("limits: a message of %d bytes: want 1 to %d", l.MaxMessage, mostMessage)
	}
	return nil
}

func milliseconds(d time.Duration) uint32 { return uint32(d.Milliseconds()) }

// Server answers the requests of one node's clients.
type Server struct {
	node    Node
	version string
	limits  Limits
	log     *slog.Logger

	gate    gate
	ids     *requestIDs
	rtts    *rttHints
	metrics *metrics
	streams *streams
	pages   *pages

	loops     *streams // connections that a beatLoop has
	loopRoute *endpoint
	plain     bool // there are no loops

	sessions *streams
	holders  *holders

	backups, restores turnstile

	scrape  http.Handler
	routes  []*endpoint
	none    *endpoint // counts what no route answers
	handler http.Handler

	nodeHeader []string // the value of Rollcall-Node
}

// New returns a server; it fails when the limits contradict each other or the
// registry has metrics of these names already.
func New(c Config) (*Server, error) {
	if c.Node == nil {
		return nil, errors.New("api: no node")
	}
	c.Limits.withDefaults()
	if err := c.Limits.validate(); err != nil {
		return nil, err
	}
	if c.Registry == nil {
		c.Registry = prometheus.NewRegistry()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(c.Registry)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	s := &Server{
		node: c.Node, version: c.Version, limits: c.Limits, log: c.Logger,
		gate: newGate(c.AllowedHosts), ids: newRequestIDs(), rtts: newRTTHints(maxRTTHints),
		metrics: m, streams: newStreams("watches", c.Limits.Watches), pages: newPages(maxPages),
		loops: newStreams("connections", math.MaxInt), plain: c.plain,
		sessions: newStreams("sessions", c.Limits.Sessions), holders: newHolders(maxHeld),
		backups: newTurnstile("makes a backup"), restores: newTurnstile("restores a backup"),
		scrape:     promhttp.HandlerFor(c.Registry, promhttp.HandlerOpts{}),
		nodeHeader: []string{c.Node.ID()},
	}
	s.streams.hurry, s.sessions.hurry = closingWithin, drainWithin
	s.loops.rest = true
	s.none = newEndpoint(Route{Path: "none"}, m)
	for _, route := range Routes() {
		s.routes = append(s.routes, newEndpoint(route, m))
		if route.Loop {
			s.loopRoute = s.routes[len(s.routes)-1]
		}
	}
	s.handler = newRouter(s)
	return s, nil
}

// Handler returns the handler of every path. It must not be wrapped in an
// http.ServeMux, which cleans paths.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.enter) }

// Close ends all watches and sessions and returns when they have ended; a
// session's last answers take up to 5 s. Then it ends the loops: a heartbeat
// that is under way is answered, and its client told to close. When ctx ends
// first, it takes their connections away, waits for 2 s at most and returns its
// error. Then the owner shuts the HTTP server down.
func (s *Server) Close(ctx context.Context) error {
	watches := make(chan error, 1)
	go func() { watches <- s.streams.close(ctx) }()
	err := errors.Join(s.sessions.close(ctx), <-watches)
	s.holders.stop()
	return errors.Join(err, s.loops.close(ctx))
}

// HTTPServer returns a server with time-outs: slow or silent clients do not
// hold connections for ever. Its owner serves it on a [Server.Listener], and
// shuts it down.
func (s *Server) HTTPServer() *http.Server {
	h := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headWithin,
		ReadTimeout:       bodyWithin,
		WriteTimeout:      answerWithin,
		IdleTimeout:       idleWithin,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       withConn,
		ConnState:         settle,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	h.RegisterOnShutdown(s.loops.begin)
	return h
}
