// Package node is one running rollcall node: it opens, connects and closes the
// parts. It leads when Raft says so, and forwards to the leader else. What a
// lease means is not decided here (registry), nor how anything is stored
// (raftstore), found (gossip) or translated (api).
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/membership"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// Node is one node of a cluster.
type Node struct {
	cfg      Config
	log      *slog.Logger
	metrics  *metrics
	serverID string
	raftAddr string // advertised

	// The parts, in the order in which they are opened.
	listener  net.Listener
	dir       *raftstore.Dir
	port      *peer.Port
	gossip    *gossip.Gossip
	hub       *watch.Hub
	book      *membership.AddressBook
	store     *raftstore.Store
	members   *membership.Membership
	collector *collector.Collector
	route     route
	api       *api.Server
	http      *http.Server

	leading  atomic.Uint64 // the term in which this node is Raft leader, else 0
	serving  atomic.Uint64 // the term in which it serves, as its judge too, else 0
	draining atomic.Bool   // stopping: not ready any more
	standing atomic.Pointer[standing]
	link     atomic.Pointer[forwarder] // to the leader, while another leads

	leaderFull atomic.Bool // the leader over the link says that its disk is

	contacts  contacts
	horizon   horizon
	followers followers
	newLeader chan string // server id; the newest only
	serveDone chan serveDone

	ctx      context.Context // ends when the node stops; its cause says why
	cancel   context.CancelCauseFunc
	stopping <-chan struct{} // ctx.Done()
	workers  helpers         // of the judge, and of beats that nobody waits for
}

// Open opens a node's files and ports. Nothing is served before Run.
func Open(cfg Config) (_ *Node, err error) {
	cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	n := &Node{
		cfg:       cfg,
		log:       cfg.Logger,
		metrics:   newMetrics(cfg.Registry),
		newLeader: make(chan string, 1),
		serveDone: make(chan serveDone),
	}
	n.ctx, n.cancel = context.WithCancelCause(context.Background())
	n.stopping = n.ctx.Done()
	defer func() {
		if err != nil {
			n.cancel(err)
			err = errors.Join(err, n.closeParts())
		}
	}()
	for _, open := range []func() error{
		n.openHTTP, n.openDir, n.openPeerPort, n.openGossip, n.openHub, n.openStore, n.openMembers, n.openAPI,
	} {
		if err := open(); err != nil {
			return nil, err
		}
	}
	n.port.HandleStream(n.serveFollower) // who led a moment ago is dialled at once: not before all parts are there
	return n, nil
}

func (n *Node) openHTTP() (err error) {
	if n.listener = n.cfg.HTTPListener; n.listener != nil {
		return nil
	}
	if n.listener, err = net.Listen("tcp", n.cfg.HTTPAddr); err != nil {
		return fmt.Errorf("listen for HTTP on %s: %w; stop what uses it, or choose another --http-addr", n.cfg.HTTPAddr, err)
	}
	return nil
}

func (n *Node) openDir() (err error) {
	if n.dir, err = raftstore.OpenDir(n.cfg.DataDir, n.cfg.NodeID); err != nil {
		return err
	}
	n.serverID = n.dir.Identity().ServerID()
	return nil
}

func (n *Node) openPeerPort() (err error) {
	n.port, err = peer.Open(peer.Config{
		Network:  n.cfg.Network,
		Addr:     n.cfg.RaftAddr,
		Identity: func() peer.Identity { return peer.Identity(n.dir.Identity()) },
		Logger:   n.log.With("part", "peer"),
	})
	if err != nil {
		return fmt.Errorf("listen for peers on %s: %w; stop what uses it, or choose another --raft-addr", n.cfg.RaftAddr, err)
	}
	return nil
}

func (n *Node) openGossip() error {
	host, err := advertised(n.cfg.Advertise, n.port.Addr())
	if err != nil {
		return err
	}
	httpHost := n.cfg.Advertise
	if httpHost == "" {
		if httpHost, err = advertised("", n.listener.Addr().String()); err != nil {
			return err
		}
	}
	n.raftAddr = withPort(host, n.port.Addr())
	role := "voter"
	if n.cfg.Edge {
		role = "edge"
	}
	id := n.dir.Identity()
	n.gossip, err = gossip.Open(gossip.Config{
		Bind:      n.cfg.GossipAddr,
		Advertise: n.cfg.Advertise,
		Join:      n.cfg.Join,
		Calm:      n.cfg.calm,
		Transport: n.cfg.GossipTransport,
		Logger:    n.log.With("part", "gossip"),
		Local: gossip.Local{
			Node: id.Node, Incarnation: id.Incarnation, ClusterID: id.ClusterID,
			HTTPAddr: withPort(httpHost, n.listener.Addr().String()),
			RaftAddr: n.raftAddr,
			Role:     role, Version: n.cfg.Version, Expect: n.cfg.BootstrapExpect, Fresh: n.dir.Fresh(),
		},
	})
	if err != nil {
		return fmt.Errorf("gossip on %s: %w; stop what uses it, or choose another --gossip-addr", n.cfg.GossipAddr, err)
	}
	return nil
}

func (n *Node) openStore() (err error) {
	n.book = membership.NewAddressBook()
	transport := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		ServerAddressProvider: n.book,
		Stream:                n.port.RaftLayer(),
		MaxPool:               4,
		MaxRPCsInFlight:       16,
		Timeout:               5 * time.Second,
		Logger:                raftstore.Logger(n.log.With("part", "transport")),
	})
	n.store, err = raftstore.Open(raftstore.Config{
		Dir:        n.dir,
		Transport:  newReplication(transport, func(term uint64) bool { return n.leading.Load() == term }),
		Multiplier: n.cfg.TimeoutMultiplier,
		Logger:     n.log.With("part", "raft"),
		Registerer: n.cfg.Registry,
		Protect:    n.cfg.Protection,
		Faults:     n.cfg.faults.registry,
		OnApply:    n.observe,
		OnRestore:  n.hub.Reset,
		OnHung:     n.port.DropRaft,
		OnFatal:    n.fail,

		SnapshotBytes: n.cfg.snapshotBytes,
		Calm:          n.cfg.calm,
	})
	if err != nil {
		return errors.Join(err, transport.Close())
	}
	n.collector = collector.New(collector.Config{Patience: patience})
	n.route.collector = n.collector
	return nil
}

func (n *Node) openMembers() (err error) {
	n.members, err = membership.New(membership.Config{
		Store:         n.store,
		Dir:           n.dir,
		Gossip:        n.gossip,
		Peers:         n.port,
		Book:          n.book,
		RaftAddr:      n.raftAddr,
		Expect:        n.cfg.BootstrapExpect,
		Edge:          n.cfg.Edge,
		Settle:        n.settle(),
		Interval:      membershipEvery * time.Duration(n.cfg.calm),
		MaxVoters:     n.cfg.MaxVoters,
		DeadNodeAfter: n.cfg.DeadNodeAfter,
		Contact:       n.contactOf,
		OnRefused:     n.fail,
		Logger:        n.log.With("part", "membership"),
	})
	return err
}

func (n *Node) openAPI() error {
	server, err := api.New(api.Config{
		Node:    n,
		Version: n.cfg.Version,
		Limits: api.Limits{
			MaxBody: n.cfg.MaxBody, MinTTL: n.cfg.MinTTL, MaxTTL: n.cfg.MaxTTL, DefaultTTL: n.cfg.DefaultTTL,
			MaxMessage: n.cfg.Mail.MaxMessage, Watches: n.cfg.MaxWatches, Sessions: n.cfg.MaxSessions,
		},
		AllowedHosts: append([]string{n.cfg.Advertise, n.cfg.NodeID}, n.cfg.AllowedHosts...),
		Registry:     n.cfg.Registry,
		Logger:       n.log.With("part", "api"),
	})
	if err != nil {
		return fmt.Errorf("prepare api: %w", err)
	}
	n.api, n.http = server, server.HTTPServer()
	n.listener = server.Listener(n.listener)
	return n.registerGauges()
}

// membershipEvery is how often a leader looks who is to be a voter.
const membershipEvery = 500 * time.Millisecond

// settle is how long a node that expects nobody else looks for a cluster to
// join before it founds its own.
func (n *Node) settle() time.Duration {
	if len(n.cfg.Join) == 0 {
		return 0
	}
	return 3 * time.Second
}

// contactOf tells membership when a server was heard of, and how far it was.
func (n *Node) contactOf(server string) (membership.Contact, bool) {
	got, ok := n.contacts.get(server)
	return membership.Contact{Age: time.Since(got.sent), Applied: got.applied}, ok
}

// ID is the node's name.
func (n *Node) ID() string { return n.cfg.NodeID }

// HTTPAddr is where the API listens.
func (n *Node) HTTPAddr() string { return n.listener.Addr().String() }

// GossipAddr is where others may join.
func (n *Node) GossipAddr() string { return n.gossip.Addr() }

// Ready waits until the node would answer /readyz with 200.
func (n *Node) Ready(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := n.Status().Ready
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", err)
		case <-n.stopping:
			return context.Cause(n.ctx)
		case <-tick.C:
		}
	}
}

// Run serves until ctx ends, then stops gracefully: readiness off, leadership
// transferred, gossip left, requests finished, log closed. It returns an error
// when the node could not go on.
func (n *Node) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	parts.Go(func() { n.judge(n.ctx) })
	parts.Go(func() { n.pulses(n.ctx) })
	parts.Go(func() { n.followLeaders(n.ctx) })
	parts.Go(func() { n.collector.Run(n.ctx) })
	parts.Go(func() { n.members.Run(n.ctx) })
	parts.Go(func() { n.hub.Run(n.ctx) })
	parts.Go(n.serveHTTP)
	select {
	case <-ctx.Done():
		n.stop()
	case <-n.stopping:
	}
	n.cancel(errStopped)
	closed := n.end(&parts)
	if cause := context.Cause(n.ctx); !errors.Is(cause, errStopped) {
		return errors.Join(cause, closed)
	}
	return closed
}

func (n *Node) serveHTTP() {
	if err := n.http.Serve(n.listener); !errors.Is(err, http.ErrServerClosed) {
		n.fail(fmt.Errorf("serve HTTP: %w", err))
	}
}

// fail ends the node: it can not go on safely.
func (n *Node) fail(err error) {
	n.log.Error("this node stops", "error", err)
	n.cancel(err)
}
