package gossip

import (
	"log/slog"
	"strings"

	"github.com/hashicorp/memberlist"
)

// delegate is what memberlist calls: to read this node's metadata, and to
// tell what it sees. It calls with its own lock held, so nothing here calls
// back.
type delegate struct {
	self   string // memberlist name of this process
	local  func() []byte
	table  *table
	logger *slog.Logger
	warn   *limiter
}

// NodeMeta implements memberlist.Delegate.
func (d *delegate) NodeMeta(limit int) []byte { return d.local() }

// NotifyMsg implements memberlist.Delegate: nothing but membership travels.
func (d *delegate) NotifyMsg([]byte) {}

// GetBroadcasts implements memberlist.Delegate.
func (d *delegate) GetBroadcasts(overhead, limit int) [][]byte { return nil }

// LocalState implements memberlist.Delegate.
func (d *delegate) LocalState(join bool) []byte { return nil }

// MergeRemoteState implements memberlist.Delegate.
func (d *delegate) MergeRemoteState(buf []byte, join bool) {}

// NotifyJoin implements memberlist.EventDelegate.
func (d *delegate) NotifyJoin(n *memberlist.Node) { d.seen(n) }

// NotifyUpdate implements memberlist.EventDelegate.
func (d *delegate) NotifyUpdate(n *memberlist.Node) { d.seen(n) }

// NotifyLeave implements memberlist.EventDelegate. memberlist does not tell
// here whether the node left or died (Node.State is not kept), so a node that
// leaves says so in its metadata first.
func (d *delegate) NotifyLeave(n *memberlist.Node) {
	if n.Name == d.self {
		return
	}
	status := StatusDead
	if m, err := decodeMeta(n.Meta); err == nil && m.Leaving {
		status = StatusLeft
	}
	d.table.status(n.Name, status)
}

// NotifyAlive implements memberlist.AliveDelegate. Every refutation of a
// suspicion passes here; so may an old word, in which case the next probe
// raises the suspicion again.
func (d *delegate) NotifyAlive(n *memberlist.Node) error {
	d.table.cleared(n.Name)
	return nil
}

func (d *delegate) seen(n *memberlist.Node) {
	if n.Name == d.self {
		return
	}
	m, err := decodeMeta(n.Meta)
	if err != nil {
		if d.warn.allow("meta") {
			d.logger.Warn("a member is ignored because its metadata cannot be read; does it run another version or another program?",
				"member", n.Name, "addr", n.Address(), "error", err)
		}
		return
	}
	d.table.alive(n.Name, n.Address(), m)
}

// suspected is told of every probe of this node that failed. memberlist keeps
// suspicion to itself: Members and the events know only who is there, its log
// alone names the suspect.
func (d *delegate) suspected(line string) {
	const before, after = "memberlist: Suspect ", " has failed, no acks received"
	_, rest, ok := strings.Cut(line, before)
	if !ok {
		return
	}
	if name, _, ok := strings.Cut(rest, after); ok {
		d.table.status(name, StatusSuspect)
	}
}
