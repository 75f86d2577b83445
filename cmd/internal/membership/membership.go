package membership

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// Membership keeps one node in its cluster and, while the node leads, the
// cluster's configuration in step with who is here.
type Membership struct {
	config    Config
	log       *slog.Logger
	names     names
	founding  *founding
	reconcile reconciler
	warn      limiter
	opened    time.Time

	mu      sync.Mutex
	removed map[string]bool // server ids taken out by the operator, since this process started
}

// New sets the handlers of its calls on the peer port and starts nothing. It
// fails where the configuration is incomplete.
func New(c Config) (*Membership, error) {
	c.setDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	m := &Membership{config: c, log: c.Logger, opened: time.Now(), removed: make(map[string]bool)}
	m.founding = &founding{
		dir: c.Dir, peers: c.Peers, bootstrap: c.Store.Bootstrap, announce: c.Gossip.Update,
		raftAddr: c.RaftAddr, expect: c.Expect, edge: c.Edge, log: c.Logger,
	}
	m.names = names{peers: c.Peers, processes: c.Gossip.Processes, servers: c.Store.Servers, onRefused: c.OnRefused}
	m.reconcile = reconciler{config: &m.config, log: c.Logger}
	m.founding.handle(c.Peers)
	adopter{m.founding, c.Gossip.Processes}.handle(c.Peers)
	m.names.handle(c.Peers)
	m.handleOperator()
	m.refresh()
	return m, nil
}

// Run works until ctx ends, in rounds: at every interval and when gossip tells
// of a change.
func (m *Membership) Run(ctx context.Context) {
	ticker := time.NewTicker(m.config.Interval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		m.round(ctx)
		select {
		case <-ticker.C:
		case <-m.config.Gossip.Changed():
		case <-ctx.Done():
		}
	}
}

func (m *Membership) round(ctx context.Context) {
	processes, servers := m.refresh()
	m.complain(processes)
	if err := m.names.defend(ctx); err != nil {
		m.say(slog.LevelWarn, "another process has this node's name", "error", err)
	}
	if err := m.act(ctx, processes, servers); err != nil && ctx.Err() == nil {
		m.say(slog.LevelWarn, "membership did not get on", "error", err)
	}
}

// refresh reads what gossip and Raft know and keeps the address book current.
func (m *Membership) refresh() ([]gossip.Member, []raftstore.Server) {
	processes := m.config.Gossip.Processes()
	servers, err := m.config.Store.Servers()
	if err != nil {
		m.log.Debug("raft's configuration cannot be read", "error", err)
	}
	m.config.Book.Refresh(processes, servers)
	return processes, servers
}

// act does this round's one thing: found, lead or neither.
func (m *Membership) act(ctx context.Context, processes []gossip.Member, servers []raftstore.Server) error {
	if !m.config.Store.IsLeader() {
		m.reconcile.forget()
	}
	switch {
	case m.config.Dir.Identity().ClusterID == "":
		return m.found(ctx, processes)
	case m.config.Store.IsLeader():
		m.lead(ctx, processes, servers)
		return nil
	}
	return m.founding.resume()
}

func (m *Membership) lead(ctx context.Context, processes []gossip.Member, servers []raftstore.Server) {
	m.dismiss(ctx, processes, servers)
	action, err := m.reconcile.round(ctx, processes, servers, m.removedNow())
	if err != nil && ctx.Err() == nil {
		m.say(slog.LevelWarn, "raft's configuration could not be changed",
			"verb", action.Verb, "server", action.ServerID, "addr", action.Addr, "error", err)
	}
}

func (m *Membership) found(ctx context.Context, processes []gossip.Member) error {
	if m.settling(processes) {
		return nil
	}
	waits, err := m.founding.step(ctx, processes)
	if waits != "" {
		m.say(slog.LevelInfo, "this node belongs to no cluster yet and waits "+waits)
	}
	return err
}

// settling says that a node which could found alone still looks for others.
func (m *Membership) settling(processes []gossip.Member) bool {
	alone := !slices.ContainsFunc(processes, func(p gossip.Member) bool { return !p.Self && p.Live() })
	return m.config.Expect == 1 && alone && time.Since(m.opened) < m.config.Settle
}

// complain tells of what membership cannot mend.
func (m *Membership) complain(processes []gossip.Member) {
	self := m.config.Dir.Identity()
	clusters := clusterIDs(processes)
	if self.ClusterID != "" && !slices.Contains(clusters, self.ClusterID) {
		clusters = append(clusters, self.ClusterID)
	}
	if len(clusters) > 1 {
		m.say(slog.LevelError, "nodes of different clusters see each other; they are never merged: take the wrong ones out of --join, or empty their data directories",
			"own", self.ClusterID, "seen", clusters, "strangers", strangers(processes, self.ClusterID))
	}
	for _, p := range processes {
		if self.ClusterID == "" && p.Live() && p.Fresh && p.Role != roleEdge && p.Expect != m.config.Expect && !m.config.Edge {
			m.say(slog.LevelWarn, "a fresh node expects another number of nodes: give all of them the same --bootstrap-expect",
				"node", p.Node, "expects", p.Expect, "this_node_expects", m.config.Expect)
		}
	}
}

// strangers names the live nodes of other clusters, each with its own.
func strangers(processes []gossip.Member, clusterID string) []string {
	var list []string
	for _, p := range processes {
		if p.Live() && p.ClusterID != "" && p.ClusterID != clusterID {
			list = append(list, fmt.Sprintf("%s at %s: %s", p.Node, p.RaftAddr, p.ClusterID))
		}
	}
	slices.Sort(list)
	return list
}

// say logs at most once a minute for each message and what it is about; errors
// do not count, for they differ by port and time.
func (m *Membership) say(level slog.Level, message string, attrs ...any) {
	subject := message
	for _, attr := range attrs {
		if _, isError := attr.(error); !isError {
			subject += fmt.Sprint(" ", attr)
		}
	}
	if m.warn.allow(subject) {
		m.log.Log(context.Background(), level, message, attrs...)
	}
}
