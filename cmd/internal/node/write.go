package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// patience is how long a request waits for a quorum: a node without one
// refuses within 2 s.
const patience = 1900 * time.Millisecond

// Do commits one command and returns when this node has applied it. Before
// that it calls taken when the command has its place in the order of this node's.
func (n *Node) Do(ctx context.Context, cmd registry.Command, taken func()) (registry.Result, error) {
	if err := n.admit(cmd); err != nil {
		return registry.Result{}, err
	}
	if result, wrong := n.misdo(cmd); wrong {
		taken()
		return result, nil
	}
	result, commit, err := n.collector.DoInTurn(ctx, cmd, taken)
	if err != nil {
		return result, outward(err)
	}
	return result, n.applied(ctx, commit)
}

// Beat renews one lease. Where this replica knows the epoch and it is that
// id's, sixteen bytes travel; else the state machine compares the names. The
// collector's patience bounds the wait, and a client that hangs up does not
// recall its beat: to listen for that costs more than the beat.
func (n *Node) Beat(ctx context.Context, ns, id string, epoch, seq uint64) (registry.BeatResult, uint64, error) {
	began := time.Now()
	if r, revision, wrong := n.misbeat(ns, id, epoch, seq); wrong {
		return r, revision, nil
	}
	if !n.holds(ns, id, epoch) {
		return n.beatNamed(ctx, began, &registry.RenewNamed{NS: ns, ID: id, Epoch: epoch, Seq: seq})
	}
	result, commit, err := n.collector.Beat(n.ctx, epoch, seq)
	if err != nil {
		return result, 0, outward(err)
	}
	return result, commit.Revision, n.explained(ctx, began, result.Code, commit)
}

// explained waits, after a refusal, until this replica has what explains it.
func (n *Node) explained(ctx context.Context, began time.Time, code registry.Code, commit collector.Commit) error {
	if code == registry.OK || code == registry.Duplicate {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, began.Add(patience))
	defer cancel()
	return n.applied(ctx, commit)
}

func (n *Node) holds(ns, id string, epoch uint64) (same bool) {
	n.store.View(func(r *registry.Replica, _ time.Duration) {
		holderNS, holder, ok := r.Holder(epoch)
		same = ok && holderNS == ns && holder == id
	})
	return same
}

func (n *Node) beatNamed(ctx context.Context, began time.Time, cmd *registry.RenewNamed) (registry.BeatResult, uint64, error) {
	result, commit, err := n.collector.Do(ctx, cmd)
	if err != nil {
		return registry.BeatResult{}, 0, outward(err)
	}
	if len(result.Beats) != 1 {
		return registry.BeatResult{}, 0, fmt.Errorf("renewal of %s/%s answered %d results", cmd.NS, cmd.ID, len(result.Beats))
	}
	beat := result.Beats[0]
	return beat, commit.Revision, n.explained(ctx, began, beat.Code, commit)
}

// Beats renews many leases of one namespace.
func (n *Node) Beats(_ context.Context, ns string, beats registry.Beats) ([]registry.BeatResult, uint64, error) {
	results, commit, err := n.collector.Beats(n.ctx, ns, beats)
	return results, commit.Revision, outward(err)
}

// applied waits until this replica has what the answer will speak of.
func (n *Node) applied(ctx context.Context, commit collector.Commit) error {
	if err := n.store.AwaitIndex(ctx, commit.Index); err != nil {
		return fmt.Errorf("%w: committed at index %d, but this node has not applied it in time", api.ErrNoLeader, commit.Index)
	}
	return nil
}

// admit refuses what would fill the disk while little is left of it, here or
// on the leader; renewals, acks and endings go on.
func (n *Node) admit(cmd registry.Command) error {
	if !grows(cmd) {
		return nil
	}
	switch {
	case n.store.FreeSpaceLow():
		return fmt.Errorf("%w: less than 5%% of the disk is free on %s", api.ErrOverloaded, n.cfg.NodeID)
	case n.leaderFull.Load():
		return fmt.Errorf("%w: less than 5%% of the disk is free on the leader", api.ErrOverloaded)
	}
	return nil
}

func grows(cmd registry.Command) bool {
	switch cmd.(type) {
	case *registry.Grant, *registry.Send, *registry.Requeue:
		return true
	}
	return false
}

// outward maps the collector's errors to those that clients see.
func outward(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, collector.ErrOverloaded):
		return fmt.Errorf("%w: %w", api.ErrOverloaded, err)
	default:
		return fmt.Errorf("%w: %w", api.ErrNoLeader, err)
	}
}
