package membership

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// Methods of the calls between nodes.
const (
	methodPromise       = "promise"
	methodPromiseStatus = "promise-status"
	methodAdopt         = "adopt"
	methodRefuse        = "refuse"
	methodRemove        = "remove"
	methodTransfer      = "transfer"
)

// promiseRequest asks for a promise to found ClusterID with the caller.
type promiseRequest struct {
	ClusterID string `json:"cluster_id"`
	Expect    int    `json:"expect"`
}

// promiseAnswer gives it, durably, or says why not.
type promiseAnswer struct {
	Refused string `json:"refused,omitempty"`
}

// statusRequest asks a candidate whether its candidacy for ClusterID still runs.
type statusRequest struct {
	ClusterID string `json:"cluster_id"`
}

// statusAnswer frees whoever promised, where Over is set; Over stays.
type statusAnswer struct {
	Over bool `json:"over"`
}

func (f *founding) handle(peers Peers) {
	peers.HandleCall(methodPromise, func(_ context.Context, from peer.Identity, body []byte) (any, error) {
		var req promiseRequest
		if err := json.Unmarshal(body, &req); err != nil {
			return nil, err
		}
		return f.promise(from.ServerID(), req)
	})
	peers.HandleCall(methodPromiseStatus, func(_ context.Context, _ peer.Identity, body []byte) (any, error) {
		var req statusRequest
		if err := json.Unmarshal(body, &req); err != nil {
			return nil, err
		}
		return f.status(req), nil
	})
}

// promise answers a candidate. What it grants is on disk before it is answered.
func (f *founding) promise(founder string, req promiseRequest) (promiseAnswer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := raftstore.Promise{Founder: founder, ClusterID: req.ClusterID}
	if f.dir.Promise() == asked {
		return promiseAnswer{}, nil
	}
	if reason := f.objection(req); reason != "" {
		return promiseAnswer{Refused: reason}, nil
	}
	if err := f.dir.SetPromise(asked); err != nil {
		return promiseAnswer{}, fmt.Errorf("note promise: %w", err)
	}
	f.log.Info("promised to found a cluster", "with", founder, "cluster_id", req.ClusterID)
	return promiseAnswer{}, nil
}

// objection says why this node promises nothing now. The lock must be held.
func (f *founding) objection(req promiseRequest) string {
	self, given := f.dir.Identity(), f.dir.Promise()
	switch {
	case self.ClusterID != "":
		return fmt.Sprintf("%s belongs to cluster %s", self.ServerID(), self.ClusterID)
	case f.edge:
		return fmt.Sprintf("%s is an edge", self.ServerID())
	case req.ClusterID == "":
		return "the request names no cluster"
	case req.Expect != f.expect:
		return fmt.Sprintf("%s expects %d nodes, not %d: give all nodes the same --bootstrap-expect", self.ServerID(), f.expect, req.Expect)
	case f.stands(given):
		return fmt.Sprintf("%s asks for promises itself", self.ServerID())
	case f.bound(given):
		return fmt.Sprintf("%s has promised itself to %s for cluster %s", self.ServerID(), given.Founder, given.ClusterID)
	}
	return ""
}

// status says whether a candidacy of this node is over. A candidacy runs while
// its promise stands on disk, and forever once it has founded.
func (f *founding) status(req statusRequest) statusAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	promise := f.dir.Promise()
	runs := f.stands(promise) && promise.ClusterID == req.ClusterID
	return statusAnswer{Over: !runs && f.dir.Identity().ClusterID != req.ClusterID}
}

// collect asks all others for a promise at once and returns the names of the
// nodes that gave it.
func (f *founding) collect(ctx context.Context, promise raftstore.Promise, others []gossip.Member) map[string]bool {
	granted := make(map[string]bool)
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, other := range others {
		if other.Node == f.dir.Identity().Node {
			continue
		}
		asking.Go(func() {
			if f.ask(ctx, promise, other) {
				mu.Lock()
				defer mu.Unlock()
				granted[other.Node] = true
			}
		})
	}
	asking.Wait()
	return granted
}

func (f *founding) ask(ctx context.Context, promise raftstore.Promise, other gossip.Member) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var answer promiseAnswer
	req := promiseRequest{ClusterID: promise.ClusterID, Expect: f.expect}
	err := f.peers.Call(ctx, other.RaftAddr, serverID(other), methodPromise, req, &answer)
	switch {
	case err != nil:
		f.log.Debug("a node gave no answer to the request for a promise", "node", serverID(other), "error", err)
	case answer.Refused != "":
		f.log.Debug("a node refused to promise", "node", serverID(other), "reason", answer.Refused)
	}
	return err == nil && answer.Refused == ""
}

// askFounder asks whoever this node promised itself to whether it may go.
func (f *founding) askFounder(ctx context.Context, promise raftstore.Promise, seen []gossip.Member) (string, error) {
	waits := fmt.Sprintf("for %s, to whom this node promised to found cluster %s; should that node be gone for good, empty this one's data directory",
		promise.Founder, promise.ClusterID)
	founder, ok := speakers(seen, serverID)[promise.Founder]
	if !ok {
		return waits, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var answer statusAnswer
	err := f.peers.Call(ctx, founder.RaftAddr, promise.Founder, methodPromiseStatus, statusRequest{ClusterID: promise.ClusterID}, &answer)
	if err != nil || !answer.Over {
		return waits, nil
	}
	return "", f.free(promise)
}

// free takes back a promise that its founder no longer needs.
func (f *founding) free(promise raftstore.Promise) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dir.Promise() != promise {
		return nil
	}
	promise.Abandoned = true
	if err := f.dir.SetPromise(promise); err != nil {
		return fmt.Errorf("take back promise: %w", err)
	}
	return nil
}
