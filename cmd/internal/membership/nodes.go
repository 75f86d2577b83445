package membership

import (
	"cmp"
	"slices"

	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// Roles of a node in the cluster.
const (
	RoleLeader  = "leader"
	RoleVoter   = "voter"
	RoleJoining = "joining" // it does not vote (yet)
	RoleEdge    = "edge"    // it never votes
)

// NodeView is one node as this one sees it: gossip's opinion beside Raft's.
type NodeView struct {
	ID         string
	ServerID   string
	HTTPAddr   string // empty where gossip does not know the node
	RaftAddr   string
	GossipAddr string
	Role       string // one of the roles above
	Gossip     string // one of gossip's statuses; dead where it does not know the node
	Version    string
}

// Nodes returns those that Raft's configuration holds and the live ones that may
// still come in, sorted by id; leader is the leader's server id, or empty.
func (m *Membership) Nodes(leader string) ([]NodeView, error) {
	servers, err := m.config.Store.Servers()
	if err != nil {
		return nil, err
	}
	return nodes(m.config.Gossip.Processes(), servers, m.config.Dir.Identity().ClusterID, m.removedNow(), leader), nil
}

func nodes(processes []gossip.Member, servers []raftstore.Server, clusterID string, removed map[string]bool, leader string) []NodeView {
	views := make(map[string]NodeView)
	for _, s := range servers {
		views[nodeName(s.ID)] = NodeView{ID: nodeName(s.ID), ServerID: s.ID, RaftAddr: s.Addr, Gossip: gossip.StatusDead, Role: RoleJoining}
	}
	for node, p := range speakers(processes, nodeOf) {
		_, member := views[node]
		ours := p.ClusterID == "" || p.ClusterID == clusterID
		if member || p.Self || p.Live() && ours && !removed[serverID(p)] {
			views[node] = viewOf(p)
		}
	}
	list := make([]NodeView, 0, len(views))
	for _, view := range views {
		view.Role = role(view, servers, leader)
		list = append(list, view)
	}
	slices.SortFunc(list, func(a, b NodeView) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func viewOf(p gossip.Member) NodeView {
	v := NodeView{
		ID: p.Node, ServerID: serverID(p), HTTPAddr: p.HTTPAddr, RaftAddr: p.RaftAddr,
		GossipAddr: p.GossipAddr, Gossip: p.Status, Version: p.Version, Role: RoleJoining,
	}
	if p.Role == roleEdge {
		v.Role = RoleEdge
	}
	return v
}

// role puts what Raft says above what the node says of itself.
func role(v NodeView, servers []raftstore.Server, leader string) string {
	server := find(servers, v.ServerID)
	switch {
	case v.ServerID == leader:
		return RoleLeader
	case server != nil && server.Voter:
		return RoleVoter
	}
	return v.Role
}
