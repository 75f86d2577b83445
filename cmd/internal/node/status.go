package node

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// maxReadyStaleness is how old a follower's view may be when it says that it
// has caught up: some missed pulses.
const maxReadyStaleness = 2 * time.Second

var errStopping = errors.New("this node is stopping")

// standing is what Raft's configuration says of this cluster and of this node,
// read anew at every tick so that requests need not ask.
type standing struct {
	leader    string   // server id, or empty
	voters    []string // server ids
	member    bool     // this node is in the configuration
	voter     bool     // and votes
	founded   bool
	readError error
}

func (n *Node) refreshStatus() {
	s := &standing{}
	s.leader, _ = n.store.Leader()
	servers, err := n.store.Servers()
	s.readError = err
	for _, server := range servers {
		if server.ID == n.serverID {
			s.member, s.voter = true, server.Voter
		}
		if server.Voter {
			s.voters = append(s.voters, server.ID)
		}
	}
	n.store.View(func(r *registry.Replica, _ time.Duration) { s.founded = r.ClusterID() != "" })
	before := n.standing.Swap(s)
	if before == nil || before.leader != s.leader {
		n.leaderChanged(s.leader)
	}
}

func (n *Node) leaderChanged(leader string) {
	select {
	case <-n.newLeader:
	default:
	}
	n.newLeader <- leader
}

func (n *Node) voters() int {
	if s := n.standing.Load(); s != nil {
		return len(s.voters)
	}
	return 0
}

// nodeOf returns the node id of a server id ("n1/0123456789abcdef").
func nodeOf(serverID string) string {
	name, _, _ := strings.Cut(serverID, "/")
	return name
}

// Status is what every answer says of this node.
func (n *Node) Status() api.Status {
	s := n.standing.Load()
	if s == nil {
		return api.Status{Ready: errors.New("this node is starting")}
	}
	stale, known := n.staleness(s)
	return api.Status{
		Leader:         nodeOf(s.leader),
		Staleness:      stale,
		StalenessKnown: known,
		Ready:          n.ready(s, stale, known),
	}
}

// staleness: on the serving leader since a quorum last answered it, elsewhere
// since the last word of a leader that this replica has caught up with.
func (n *Node) staleness(s *standing) (time.Duration, bool) {
	if n.serving.Load() != 0 {
		since, ok := n.contacts.quorumSince(s.voters, n.serverID)
		return max(0, time.Since(since)), ok
	}
	return n.horizon.staleness(n.store.Applied())
}

func (n *Node) ready(s *standing, stale time.Duration, known bool) error {
	switch {
	case n.draining.Load():
		return errStopping
	case s.leader == "":
		return errors.New("no leader is known: fewer than a majority of the voters reach each other, or the cluster is not founded yet")
	case !s.member:
		return errors.New("this node is not part of the cluster yet")
	case !n.cfg.Edge && !s.voter:
		return errors.New("this node does not vote yet: it is catching up")
	case !s.founded && len(s.voters) < n.cfg.BootstrapExpect:
		return fmt.Errorf("%d of %d expected voters are here", len(s.voters), n.cfg.BootstrapExpect)
	case s.leader == n.serverID && n.serving.Load() == 0:
		return errors.New("this node was just elected and does not serve yet")
	case !known || stale > maxReadyStaleness:
		return errors.New("this node has not caught up with the leader")
	}
	return nil
}

func (n *Node) isVoter(server string) bool {
	s := n.standing.Load()
	return s != nil && slices.Contains(s.voters, server)
}
