package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// Config is what one node is told. Zero values take the defaults that stand
// beside the fields.
type Config struct {
	NodeID  string // [A-Za-z0-9._-]{1,64}; the host name
	DataDir string // created when missing

	HTTPAddr   string // host:port to bind; 127.0.0.1:7700
	RaftAddr   string // 127.0.0.1:7701
	GossipAddr string // 127.0.0.1:7702, TCP and UDP

	// Advertise is the host name or IP by which other nodes reach this one; the
	// ports are those that were bound. The bound address, or the first private
	// IP where that is unspecified.
	Advertise string
	Join      []string // host names or host:port of gossip; resolved anew on every try

	// BootstrapExpect is how many fresh voters must see each other before they
	// found a cluster; 1.
	BootstrapExpect int
	Edge            bool // never a voter: holds a replica, serves reads, forwards writes
	MaxVoters       int  // 1, 3 or 5; 5

	// TimeoutMultiplier stretches Raft's heartbeat and election time-outs of
	// 300 ms; 1. Raise it on slow networks: a dead leader is noticed later by as
	// much.
	TimeoutMultiplier float64
	// DeadNodeAfter is how long a voter must be silent for gossip and for Raft
	// before it is removed; 1 h.
	DeadNodeAfter time.Duration

	AllowedHosts []string // further names in Host headers

	MinTTL, MaxTTL, DefaultTTL time.Duration // 500 ms, 24 h, 10 s
	MaxBody                    int64         // bytes of a request body; 1 MiB

	CertificateAge time.Duration // how long certificates are kept, in cluster time; 24 h
	CertificateMax int           // and how many; 100,000

	EventAge   time.Duration // how long events are kept, in cluster time; 24 h
	EventMax   int           // and how many; 100,000
	EventBytes int64         // and how much of them, in memory and on disk; 64 MiB

	Mail Mail

	MaxWatches  int // streams of one node; 20,000
	MaxSessions int // WebSocket connections of one node; 20,000

	// Protection says of which scopes leases that fall silent in masses are held
	// rather than buried; none. The leader judges by its own: give all voters the
	// same.
	Protection []registry.Protection

	Version  string
	Logger   *slog.Logger         // discarded when nil
	Registry *prometheus.Registry // a new one when nil

	// Network and GossipTransport replace TCP and UDP in tests; HTTPListener
	// replaces the bound one.
	Network         peer.Network
	GossipTransport memberlist.NodeAwareTransport
	HTTPListener    net.Listener

	// What only tests ask for.
	snapshotBytes uint64 // of log between snapshots; raftstore's default
	calm          int    // stretches the periods of what a node does by itself, for virtual hours; 1
	beforeTick    func() // of the judge; may block it
	faults        faults
}

// Mail bounds mailboxes. Ages count in cluster time.
type Mail struct {
	MaxMessage   int           // bytes of a message's body; 64 KiB
	Messages     int           // that wait in one mailbox; 10,000
	Bytes        int64         // of their bodies; 16 MiB
	TotalBytes   int64         // of the bodies in all mailboxes; 4 GiB
	MaxAttempts  int           // nacks until a message is a dead letter; 5
	TombstoneAge time.Duration // how long an ended message's id is known; 24 h
	Tombstones   int           // and how many in one mailbox; 10,000
	Dead         int           // dead letters of one mailbox; 1,000
	DeadAge      time.Duration // 7 days
}

// ErrConfig is returned when a node is told what cannot be; every mistake is in
// the error beside it.
var ErrConfig = errors.New("configuration")

var nodeName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (c *Config) withDefaults() {
	if c.NodeID == "" {
		c.NodeID, _ = os.Hostname()
	}
	orString(&c.HTTPAddr, "127.0.0.1:7700")
	orString(&c.RaftAddr, "127.0.0.1:7701")
	orString(&c.GossipAddr, "127.0.0.1:7702")
	orNumber(&c.BootstrapExpect, 1)
	orNumber(&c.MaxVoters, 5)
	orNumber(&c.TimeoutMultiplier, 1)
	orNumber(&c.DeadNodeAfter, time.Hour)
	orNumber(&c.calm, 1)
	if c.beforeTick == nil {
		c.beforeTick = func() {}
	}
	orNumber(&c.MinTTL, wire.MinTTL)
	orNumber(&c.MaxTTL, wire.MaxTTL)
	orNumber(&c.DefaultTTL, wire.DefaultTTL)
	orNumber(&c.MaxBody, int64(wire.MaxBody))
	orNumber(&c.CertificateAge, 24*time.Hour)
	orNumber(&c.CertificateMax, 100_000)
	orNumber(&c.EventAge, 24*time.Hour)
	orNumber(&c.EventMax, 100_000)
	orNumber(&c.EventBytes, 64<<20)
	orNumber(&c.MaxWatches, 20_000)
	orNumber(&c.MaxSessions, 20_000)
	c.Mail.withDefaults()
	c.Protection = withRuleDefaults(c.Protection)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registry == nil {
		c.Registry = prometheus.NewRegistry()
	}
	if c.Network == nil {
		c.Network = peer.TCP{}
	}
}

func (m *Mail) withDefaults() {
	orNumber(&m.MaxMessage, wire.MaxMessage)
	orNumber(&m.Messages, 10_000)
	orNumber(&m.Bytes, 16<<20)
	orNumber(&m.TotalBytes, 4<<30)
	orNumber(&m.MaxAttempts, 5)
	orNumber(&m.TombstoneAge, 24*time.Hour)
	orNumber(&m.Tombstones, 10_000)
	orNumber(&m.Dead, 1_000)
	orNumber(&m.DeadAge, 7*24*time.Hour)
}

func orString(p *string, value string) {
	if *p == "" {
		*p = value
	}
}

func orNumber[N int | int64 | float64 | time.Duration](p *N, value N) {
	if *p == 0 {
		*p = value
	}
}

func (c *Config) validate() error {
	return errors.Join(
		check(nodeName.MatchString(c.NodeID), "node-id %q: want [A-Za-z0-9._-]{1,64}; set --node-id", c.NodeID),
		check(c.DataDir != "", "data-dir is not set: say where this node keeps its log and state with --data-dir"),
		address("http-addr", c.HTTPAddr),
		address("raft-addr", c.RaftAddr),
		address("gossip-addr", c.GossipAddr),
		check(c.BootstrapExpect >= 1 && c.BootstrapExpect <= 5, "bootstrap-expect %d: want 1 to 5", c.BootstrapExpect),
		check(c.MaxVoters == 1 || c.MaxVoters == 3 || c.MaxVoters == 5, "max-voters %d: want 1, 3 or 5", c.MaxVoters),
		check(c.BootstrapExpect <= c.MaxVoters, "bootstrap-expect %d is more than max-voters %d", c.BootstrapExpect, c.MaxVoters),
		check(c.TimeoutMultiplier >= 0.5 && c.TimeoutMultiplier <= 50, "raft-multiplier %v: want 0.5 to 50", c.TimeoutMultiplier),
		check(c.MinTTL >= 100*time.Millisecond && c.MinTTL <= c.DefaultTTL && c.DefaultTTL <= c.MaxTTL && c.MaxTTL <= 1000*time.Hour,
			"TTL bounds: want 100ms <= min %v <= default %v <= max %v <= 1000h", c.MinTTL, c.DefaultTTL, c.MaxTTL),
		check(c.MaxBody >= 1024 && c.MaxBody <= 64<<20, "max-body %d: want 1024 to 67108864 bytes", c.MaxBody),
		check(c.CertificateAge >= time.Minute, "certificate-age %v: want at least 1m", c.CertificateAge),
		check(c.CertificateMax >= 1 && c.CertificateMax <= 100_000_000, "certificate-max %d: want 1 to 100,000,000", c.CertificateMax),
		check(c.EventAge >= time.Minute, "event-age %v: want at least 1m", c.EventAge),
		check(c.EventMax >= 1 && c.EventMax <= 100_000_000, "event-max %d: want 1 to 100,000,000", c.EventMax),
		check(c.EventBytes >= 1<<20, "event-bytes %d: want at least 1048576", c.EventBytes),
		check(c.MaxWatches >= 1 && c.MaxWatches <= 1_000_000, "max-watches %d: want 1 to 1,000,000", c.MaxWatches),
		check(c.MaxSessions >= 1 && c.MaxSessions <= 1_000_000, "max-sessions %d: want 1 to 1,000,000", c.MaxSessions),
		c.Mail.validate(),
		checkProtection(c.Protection),
	)
}

func (m *Mail) validate() error {
	return errors.Join(
		check(m.MaxMessage >= 1 && m.MaxMessage <= 1<<20, "max-message %d: want 1 to 1048576 bytes", m.MaxMessage),
		check(m.Messages >= 1 && m.Messages <= 10_000_000, "mailbox-messages %d: want 1 to 10,000,000", m.Messages),
		check(m.Bytes >= int64(m.MaxMessage), "mailbox-bytes %d: want at least max-message %d", m.Bytes, m.MaxMessage),
		check(m.TotalBytes >= m.Bytes, "mail-bytes %d: want at least mailbox-bytes %d", m.TotalBytes, m.Bytes),
		check(m.MaxAttempts >= 1 && m.MaxAttempts <= 1000, "max-attempts %d: want 1 to 1000", m.MaxAttempts),
		check(m.TombstoneAge >= time.Minute, "tombstone-age %v: want at least 1m", m.TombstoneAge),
		check(m.Tombstones >= 1 && m.Tombstones <= 10_000_000, "tombstone-max %d: want 1 to 10,000,000", m.Tombstones),
		check(m.Dead >= 1 && m.Dead <= 10_000_000, "dead-letter-max %d: want 1 to 10,000,000", m.Dead),
		check(m.DeadAge >= time.Minute, "dead-letter-age %v: want at least 1m", m.DeadAge),
	)
}

func check(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func address(setting, addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("%s %q: want host:port, for example 127.0.0.1:7700: %w", setting, addr, err)
	}
	return nil
}
