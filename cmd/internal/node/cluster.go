package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/membership"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// askCluster is what a follower asks its leader over the stream.
const askCluster = "cluster"

// askLeaderFor bounds a question to the leader that this node can also answer,
// less well, by itself.
const askLeaderFor = 500 * time.Millisecond

// Cluster is the cluster as the leader sees it or, where it cannot be asked,
// as this node does.
func (n *Node) Cluster(ctx context.Context) (wire.Cluster, error) {
	if link := n.link.Load(); link != nil {
		asking, cancel := context.WithTimeout(ctx, askLeaderFor)
		defer cancel()
		var c wire.Cluster
		if err := link.Ask(asking, askCluster, nil, &c); err == nil {
			return c, nil
		}
	}
	return n.cluster()
}

// cluster is this node's own view.
func (n *Node) cluster() (wire.Cluster, error) {
	leader, _ := n.store.Leader()
	c := wire.Cluster{
		ClusterID: n.dir.Identity().ClusterID,
		Leader:    nodeOf(leader),
		Term:      n.store.Term(),
		Nodes:     []wire.Node{},
	}
	n.store.View(func(r *registry.Replica, mono time.Duration) {
		c.Revision, c.Protection = r.Revision(), protection(r.Holds(r.ClusterNow(mono)))
	})
	nodes, err := n.members.Nodes(leader)
	for _, v := range nodes {
		applied, since := n.progress(v.ServerID)
		c.Nodes = append(c.Nodes, wire.Node{
			ID: v.ID, HTTPAddr: v.HTTPAddr, RaftAddr: v.RaftAddr, GossipAddr: v.GossipAddr,
			Role: v.Role, Gossip: v.Gossip, Version: v.Version,
			Applied: applied, LastContactMS: since,
		})
	}
	return c, err
}

// protection shows what is held now.
func protection(holds []registry.HoldStatus) wire.Protection {
	p := wire.Protection{Active: len(holds) > 0}
	for _, h := range holds {
		p.Holds = append(p.Holds, wire.Held{
			NS: h.NS, Service: h.Service, Held: h.Held, Reason: h.Reason, SinceMS: int64(h.SinceMS), EndsMS: int64(h.EndsMS),
		})
	}
	return p
}

// progress is what this node knows of a server: how far it has applied the
// log, and how many milliseconds ago it was heard of.
func (n *Node) progress(server string) (applied uint64, since int64) {
	if server == n.serverID {
		return n.store.Applied(), 0
	}
	if got, ok := n.contacts.get(server); ok && n.leading.Load() != 0 {
		return got.applied, time.Since(got.sent).Milliseconds()
	}
	return 0, wire.Unknown
}

// RemoveNode takes a node out of Raft's configuration.
func (n *Node) RemoveNode(ctx context.Context, id string) error {
	return order(ctx, func() error { return n.members.RemoveNode(ctx, id) })
}

// Transfer hands the leadership to another voter, and returns when this node
// knows whom.
func (n *Node) Transfer(ctx context.Context) error {
	before, _ := n.store.Leader()
	if err := order(ctx, func() error { return n.members.Transfer(ctx) }); err != nil {
		return err
	}
	tick := time.NewTicker(registry.TickEvery)
	defer tick.Stop()
	for {
		if s := n.standing.Load(); s != nil && s.leader != "" && s.leader != before {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %s leads no more, and nobody else is known to", api.ErrNoLeader, nodeOf(before))
		case <-tick.C:
		}
	}
}

// order does what an operator asked for, and waits for it no longer than ctx:
// Raft does not answer while a disk hangs.
func order(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }() // ends with the store, if not before
	select {
	case err := <-done:
		return refuse(err)
	case <-ctx.Done():
		return fmt.Errorf("%w: the order may yet be carried out: %w", api.ErrNoLeader, context.Cause(ctx))
	}
}

// refuse names an error of membership in the words of the api.
func refuse(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, membership.ErrUnknownNode):
		return fmt.Errorf("%w: %w", api.ErrUnknownNode, err)
	case errors.Is(err, membership.ErrNoLeader):
		return fmt.Errorf("%w: %w", api.ErrNoLeader, err)
	default:
		return fmt.Errorf("%w: %w", api.ErrRefused, err)
	}
}

// Ask answers a follower.
func (n *Node) Ask(ctx context.Context, method string, body []byte) (any, error) {
	switch method {
	case askCluster:
		return n.cluster()
	case askPiece:
		return n.answerPiece(ctx, body)
	}
	return nil, fmt.Errorf("unknown question %q: is that node of a newer version?", method)
}
