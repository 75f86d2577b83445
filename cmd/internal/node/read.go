package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// leaseOfLeadership is for how long a quorum's answer lets the leader vouch
// for reads of consistency "leader": half of the election time-out, times the
// multiplier, as Raft's own leader lease.
const leaseOfLeadership = 150 * time.Millisecond

// View shows this node's replica under a read lock. f must not keep it.
func (n *Node) View(f func(r *registry.Replica, mono time.Duration)) { n.store.View(f) }

// Await brings this replica to where the leader vouches for it.
func (n *Node) Await(ctx context.Context, level api.Consistency) error {
	if level == api.Local || n.cfg.faults.StaleReads {
		return nil
	}
	index, err := n.readIndex(ctx, level == api.Linearizable)
	if err != nil {
		return err
	}
	if err := n.store.AwaitIndex(ctx, index); err != nil {
		return fmt.Errorf("%w: this node did not reach the leader's index %d in time", api.ErrNoLeader, index)
	}
	return nil
}

// readIndex asks the leader, be it this node or another, for an index at which
// a read is as fresh as was asked for.
func (n *Node) readIndex(ctx context.Context, linearizable bool) (uint64, error) {
	for {
		index, err := n.tryReadIndex(ctx, linearizable)
		if err == nil || errors.Is(err, api.ErrOverloaded) {
			return index, err
		}
		select {
		case <-ctx.Done():
			return 0, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (n *Node) tryReadIndex(ctx context.Context, linearizable bool) (uint64, error) {
	if n.store.IsLeader() {
		return n.ReadIndex(ctx, linearizable)
	}
	link := n.link.Load()
	if link == nil {
		return 0, fmt.Errorf("%w: %s has no link to one", api.ErrNoLeader, n.cfg.NodeID)
	}
	index, err := link.ReadIndex(ctx, linearizable)
	return index, outward(err)
}

// ReadIndex answers for the leader: with linearizable the index of an entry
// proposed after the call, else what it has applied while a quorum is with it.
func (n *Node) ReadIndex(ctx context.Context, linearizable bool) (uint64, error) {
	term := n.serving.Load()
	if term == 0 {
		return 0, fmt.Errorf("%w: %s does not serve", api.ErrNoLeader, n.cfg.NodeID)
	}
	if linearizable {
		index, err := n.collector.Barrier(ctx)
		return index, outward(err)
	}
	index := n.store.Applied()
	lease := time.Duration(float64(leaseOfLeadership) * n.cfg.TimeoutMultiplier)
	since, ok := n.contacts.quorumSince(n.standing.Load().voters, n.serverID)
	if !ok || time.Since(since) > lease {
		return 0, fmt.Errorf("%w: no quorum has answered %s for %v", api.ErrNoLeader, n.cfg.NodeID, lease)
	}
	return index, nil
}

// AwaitRevision waits until this replica has applied that revision.
func (n *Node) AwaitRevision(ctx context.Context, revision uint64) error {
	if err := n.store.AwaitRevision(ctx, revision); err != nil {
		return fmt.Errorf("%w: revision %d has not been applied here", api.ErrTooStale, revision)
	}
	return nil
}
