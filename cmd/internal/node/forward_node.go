package node

import (
	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

var _ backend = (*Node)(nil)

// Forwarded proposes a follower's batch, if this node leads.
func (n *Node) Forwarded(commands []registry.Command, done func([]registry.Result, collector.Commit, error)) {
	n.collector.Forwarded(commands, done)
}

func (n *Node) attend(f *follower) (left func()) { return n.followers.add(f) }
