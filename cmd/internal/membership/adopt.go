package membership

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
)

// adoptRequest takes a node into the caller's cluster. It is sent again whenever
// the leader wants to be sure who is at an address.
type adoptRequest struct {
	ClusterID string `json:"cluster_id"`
}

// adopter lets this node be adopted.
type adopter struct {
	*founding
	processes func() []gossip.Member
}

func (a adopter) handle(peers Peers) {
	peers.HandleCall(methodAdopt, func(_ context.Context, from peer.Identity, body []byte) (any, error) {
		var req adoptRequest
		if err := json.Unmarshal(body, &req); err != nil {
			return nil, err
		}
		return struct{}{}, a.adopt(from, req.ClusterID)
	})
}

// adopt makes the caller's cluster this node's, durably, before it returns.
func (a adopter) adopt(from peer.Identity, clusterID string) error {
	clusters := clusterIDs(a.processes())
	a.mu.Lock()
	defer a.mu.Unlock()
	self := a.dir.Identity()
	switch {
	case clusterID == "" || from.ClusterID != clusterID:
		return fmt.Errorf("%s does not belong to cluster %q", from.ServerID(), clusterID)
	case self.ClusterID == clusterID:
		return nil
	case self.ClusterID != "":
		return fmt.Errorf("%s belongs to cluster %s, not to %s", self.ServerID(), self.ClusterID, clusterID)
	case !a.dir.Fresh():
		return errors.New("this node has Raft state of an unknown cluster")
	case len(clusters) > 1:
		return fmt.Errorf("more than one cluster is in sight of %s, which joins none: %v", self.ServerID(), clusters)
	}
	if err := a.abandonLocked("a cluster exists"); err != nil {
		return err
	}
	if err := a.dir.SetCluster(clusterID); err != nil {
		return fmt.Errorf("note cluster: %w", err)
	}
	a.log.Info("adopted into a cluster", "cluster_id", clusterID, "by", from.ServerID())
	a.belong(clusterID)
	return nil
}
