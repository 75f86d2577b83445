package gossip

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/hashicorp/go-metrics"
	"github.com/hashicorp/memberlist"
)

// Label marks every packet and stream of ours, so that a memberlist of another
// program on the same network is not taken for a node. It is no secret and no
// authentication.
const Label = "rollcall"

// DefaultPort is used for join addresses that name none.
const DefaultPort = 7702

// Resolver finds the addresses of a host name; *net.Resolver is one.
type Resolver interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// Config says how to gossip.
type Config struct {
	// Bind is the host:port to listen on, UDP and TCP. Port 0 takes a free one.
	Bind string
	// Advertise is the host (or host:port) that others reach this node by; a
	// name is resolved once, at Open. "" takes the bound address, or a private
	// one of the machine where all are bound.
	Advertise string
	// Join lists host or host:port of nodes to meet. Names are resolved anew on
	// every try. It may list this node.
	Join []string
	// Local is what the others are told; Update changes it.
	Local Local
	// Calm stretches the intervals of probing and telling. More means less work,
	// and that a crash is noticed later. Default 1.
	Calm int
	// Transport carries the packets; nil is UDP and TCP at Bind.
	Transport memberlist.NodeAwareTransport
	// Resolver resolves Join, Advertise and Bind; nil is the system's.
	Resolver Resolver
	// Logger takes what is to be said; nil discards it.
	Logger *slog.Logger
	// MetricLabels are put on each of memberlist's own metrics, which go to the
	// global sink of hashicorp/go-metrics.
	MetricLabels []metrics.Label
}

func (c *Config) setDefaults() {
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Calm = max(c.Calm, 1)
}

func (c *Config) validate() error {
	if c.Local.Node == "" {
		return errors.New("no node id")
	}
	if c.Bind == "" && c.Transport == nil {
		return errors.New("no address to listen on")
	}
	return nil
}

// Tuning for three to some dozens of nodes on one network: a crash is noticed
// in 2 to 4 s. One probe an interval, each node's in turn; suspicion lasts
// suspicionMult intervals (times log10 of the number of nodes where that is
// more than one) if another node confirms it, else up to suspicionMaxMult
// times as long.
const (
	probeInterval    = 500 * time.Millisecond
	probeTimeout     = 200 * time.Millisecond
	suspicionMult    = 3
	suspicionMaxMult = 3
	gossipInterval   = 100 * time.Millisecond
	pushPullInterval = 15 * time.Second
	gossipToTheDead  = 30 * time.Second
	streamTimeout    = 3 * time.Second
	deadNodeReclaim  = 10 * time.Second
	awarenessMax     = 4
)

// memberlistConfig returns the tuned configuration for a process of that name.
func memberlistConfig(name string, c *Config) *memberlist.Config {
	m := memberlist.DefaultLANConfig()
	m.Name = name
	m.Label = Label
	m.Transport = nil
	m.TCPTimeout = streamTimeout
	calm := time.Duration(c.Calm)
	m.ProbeInterval, m.ProbeTimeout = probeInterval*calm, probeTimeout
	m.SuspicionMult, m.SuspicionMaxTimeoutMult = suspicionMult, suspicionMaxMult
	m.GossipInterval, m.PushPullInterval = gossipInterval*calm, pushPullInterval*calm
	m.GossipToTheDeadTime = gossipToTheDead
	m.DeadNodeReclaimTime = deadNodeReclaim
	m.AwarenessMaxMultiplier = awarenessMax
	m.RequireNodeNames = true
	m.DisableTcpPings = false
	m.MetricLabels = c.MetricLabels
	if c.Transport != nil {
		m.Transport = c.Transport
	}
	return m
}
