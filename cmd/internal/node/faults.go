package node

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// faults are planted bugs: each breaks one promise on purpose, so that the
// histories of TestVirtualHours can show that they would notice. They are for
// tests only, and no setting leads to them; zero, as everywhere else, they cost
// nothing.
type faults struct {
	StaleReads      bool // a linearizable read sees whatever this replica has applied
	EarlyBeats      bool // a renewal is acknowledged before it is committed
	DeposedBeats    bool // who has lost its leader acknowledges renewals of itself
	RepeatsCommands bool // a command whose answer was lost is sent once more
	EarlyMail       bool // an ack of messages is acknowledged before it is committed
}

// misbeat answers a renewal wrongly; false where it is answered as always.
func (n *Node) misbeat(ns, id string, epoch, seq uint64) (result registry.BeatResult, revision uint64, wrong bool) {
	f := &n.cfg.faults
	lost := f.DeposedBeats && !n.store.IsLeader() && n.link.Load() == nil
	if !f.EarlyBeats && !lost || !n.holds(ns, id, epoch) {
		return result, 0, false
	}
	n.store.View(func(r *registry.Replica, _ time.Duration) {
		l, ok := r.Lease(ns, id)
		wrong = ok && seq > l.Seq
		result = registry.BeatResult{TTL: l.TTL, RemainingMS: l.TTL}
		revision = r.Revision()
	})
	if wrong && f.EarlyBeats {
		n.workers.Go(func() { _, _, _ = n.collector.Beat(n.ctx, epoch, seq) })
	}
	return result, revision, wrong
}

// misdo answers an ack wrongly; false where the command is answered as always.
func (n *Node) misdo(cmd registry.Command) (result registry.Result, wrong bool) {
	ack, ok := cmd.(*registry.Ack)
	if !ok || !n.cfg.faults.EarlyMail {
		return result, false
	}
	n.store.View(func(r *registry.Replica, _ time.Duration) {
		waiting := r.Mailbox(ack.NS, ack.ID, 0).Pending
		done := min(waiting, len(ack.Messages))
		result = registry.Result{Revision: r.Revision(), Mail: &registry.MailResult{Acked: done, Pending: waiting - done}}
	})
	return result, n.workers.Go(func() { _, _, _ = n.collector.Do(n.ctx, cmd) })
}

// lost names the loss of an answer: what was sent may have taken effect.
func (f *faults) lost(err error) error {
	if f.RepeatsCommands {
		return collector.ErrNotSent
	}
	return indeterminate(err)
}
