package membership

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// ErrNameTaken is handed to OnRefused when another live process has this node's
// name and the better right to it.
var ErrNameTaken = errors.New("node name is taken")

// ErrRemoved is handed to OnRefused when the operator removed this node.
var ErrRemoved = errors.New("this node was removed from its cluster")

// claim is a process's right to its node's name.
type claim struct {
	Incarnation string `json:"incarnation"`
	ClusterID   string `json:"cluster_id,omitempty"`
	Started     int64  `json:"started"` // Unix ms, on its own clock
	RaftAddr    string `json:"raft_addr"`
}

func claimOf(p gossip.Member) claim {
	return claim{Incarnation: p.Incarnation, ClusterID: p.ClusterID, Started: p.Started, RaftAddr: p.RaftAddr}
}

// beats says that c has the better right: it belongs to a cluster, or it started
// earlier. Both sides come to the same result; a claim does not beat itself.
func (c claim) beats(other claim) bool {
	return cmp.Or(compareBool(c.ClusterID != "", other.ClusterID != ""),
		cmp.Compare(other.Started, c.Started), cmp.Compare(other.Incarnation, c.Incarnation)) > 0
}

// refusal tells a process to end.
type refusal struct {
	Removed bool  `json:"removed,omitempty"` // the operator removed it
	Claim   claim `json:"claim,omitzero"`    // else somebody has its name: the caller
}

// names defends this node's name and gives it up.
type names struct {
	peers     Peers
	processes func() []gossip.Member
	servers   func() ([]raftstore.Server, error)
	onRefused func(error)
}

func (n names) handle(peers Peers) {
	peers.HandleCall(methodRefuse, func(_ context.Context, from peer.Identity, body []byte) (any, error) {
		var r refusal
		if err := json.Unmarshal(body, &r); err != nil {
			return nil, err
		}
		return struct{}{}, n.refused(from, r)
	})
}

// self is this process as gossip announces it.
func (n names) self() (gossip.Member, bool) {
	for _, p := range n.processes() {
		if p.Self {
			return p, true
		}
	}
	return gossip.Member{}, false
}

// refused is the receiving end: it checks the caller's right before it gives in.
func (n names) refused(from peer.Identity, r refusal) error {
	self, ok := n.self()
	switch {
	case !ok:
		return errors.New("this process does not know itself yet")
	case r.Removed && from.ClusterID != "" && from.ClusterID == self.ClusterID:
		n.onRefused(fmt.Errorf("%w %s by its operator: to come back, start it with an empty data directory", ErrRemoved, self.ClusterID))
		return nil
	case from.Node != self.Node:
		return fmt.Errorf("%s has another name than %s", from.ServerID(), serverID(self))
	case n.replaced(self, from), !r.Claim.beats(claimOf(self)):
		return fmt.Errorf("%s has the better right to its name", serverID(self))
	}
	n.onRefused(fmt.Errorf("%w: node name %s is already used by a live node at %s; choose another --node-id, and an empty data directory",
		ErrNameTaken, self.Node, r.Claim.RaftAddr))
	return nil
}

// replaced says that this process has taken the caller's place in Raft's
// configuration, which a caller that slept through it cannot know.
func (n names) replaced(self gossip.Member, from peer.Identity) bool {
	servers, err := n.servers()
	return err == nil && find(servers, serverID(self)) != nil && find(servers, from.ServerID()) == nil
}

// defend tells every live process that has this node's name and a lesser right
// to it to end. It returns the errors of those that did not hear it.
func (n names) defend(ctx context.Context) error {
	self, ok := n.self()
	if !ok {
		return nil
	}
	var errs []error
	for _, p := range n.processes() {
		if p.Self || !p.Live() || p.Node != self.Node || !claimOf(self).beats(claimOf(p)) {
			continue
		}
		if err := n.refuse(ctx, p, refusal{Claim: claimOf(self)}); err != nil {
			errs = append(errs, fmt.Errorf("tell %s at %s that its name is taken: %w", serverID(p), p.RaftAddr, err))
		}
	}
	return errors.Join(errs...)
}

func (n names) refuse(ctx context.Context, p gossip.Member, r refusal) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return n.peers.Call(ctx, p.RaftAddr, serverID(p), methodRefuse, r, nil)
}
