package membership

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

const (
	// abdicatePause is how long a leader that is to be removed waits for the next
	// one between two looks.
	abdicatePause = 50 * time.Millisecond
	// hearing is how long a leader may need to hear of the others after its
	// election, before their silence counts.
	hearing = 500 * time.Millisecond
	// removedMax bounds how many removed servers are remembered.
	removedMax = 1024
)

// removeHere takes out every server of a node's name. A leader that is to go
// hands over first, and the next leader takes it out.
func (m *Membership) removeHere(ctx context.Context, node string) error {
	if !m.config.Store.IsLeader() {
		return ErrNoLeader
	}
	processes, servers := m.refresh()
	doomed := ofNode(servers, node)
	if len(doomed) == 0 {
		return fmt.Errorf("%w: %s", ErrUnknownNode, node)
	}
	viewer := reconciler{config: &m.config, log: m.log}
	v := viewer.view(processes, servers, nil)
	for _, s := range doomed {
		if s.Voter && !m.quorumRemains(ctx, s.ID) {
			return fmt.Errorf("%w without %s", ErrQuorum, s.ID)
		}
		if s.ID == v.Self {
			return m.abdicate(ctx, node)
		}
		m.ban(s.ID)
		if err := m.config.Store.Remove(s.ID); err != nil {
			m.unban(s.ID)
			return fmt.Errorf("remove %s: %w", s.ID, err)
		}
		m.log.Warn("node removed by its operator", "server", s.ID)
	}
	m.dismiss(ctx, m.config.Gossip.Processes(), v.Servers)
	return nil
}

// quorumRemains tells whether a healthy majority would remain without a server.
func (m *Membership) quorumRemains(ctx context.Context, server string) bool {
	viewer := reconciler{config: &m.config, log: m.log}
	for patience := time.Now().Add(hearing); ; {
		processes, servers := m.refresh()
		v := viewer.view(processes, servers, nil)
		if v.quorumWithout(server) {
			return true
		}
		if time.Now().After(patience) || !pause(ctx, abdicatePause) {
			return false
		}
	}
}

func ofNode(servers []raftstore.Server, node string) []raftstore.Server {
	var list []raftstore.Server
	for _, s := range servers {
		if nodeName(s.ID) == node {
			list = append(list, s)
		}
	}
	return list
}

// abdicate hands over the leadership and has the next leader remove this node.
func (m *Membership) abdicate(ctx context.Context, node string) error {
	if err := m.transferHere(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for {
		err := m.order(ctx, methodRemove, orderRequest{Node: node})
		if !errors.Is(err, ErrNoLeader) || !pause(ctx, abdicatePause) {
			return err
		}
	}
}

// pause waits; false where ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (m *Membership) ban(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.removed) >= removedMax {
		clear(m.removed)
	}
	m.removed[id] = true
}

func (m *Membership) unban(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.removed, id)
}

// removedNow returns a copy of what the operator took out.
func (m *Membership) removedNow() map[string]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.removed)
}

// dismiss tells the live processes that have no place in the cluster any more to
// end: those that the operator took out, and those whose node has come back as
// another server.
func (m *Membership) dismiss(ctx context.Context, processes []gossip.Member, servers []raftstore.Server) {
	removed, own := m.removedNow(), m.config.Dir.Identity().ClusterID
	for _, p := range processes {
		out := removed[serverID(p)] || find(servers, serverID(p)) == nil && m.replaced(p, processes, servers)
		if p.Self || !p.Live() || p.ClusterID != own || !out {
			continue
		}
		if err := m.names.refuse(ctx, p, refusal{Removed: true}); err != nil {
			m.log.Debug("a removed node did not hear that it is", "server", serverID(p), "error", err)
		}
	}
}

// replaced says that another incarnation of p's node is a server and lives.
func (m *Membership) replaced(p gossip.Member, processes []gossip.Member, servers []raftstore.Server) bool {
	for _, s := range ofNode(servers, p.Node) {
		contact, known := m.config.Contact(s.ID)
		if s.ID != serverID(p) && (s.ID == m.config.Dir.Identity().ServerID() || known && contact.Age <= contactFresh) {
			return true
		}
	}
	return false
}
