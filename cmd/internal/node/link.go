package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// relinkAfter is how long a node waits before it dials a leader again that it
// could not reach.
const relinkAfter = 50 * time.Millisecond

// followLeaders keeps one stream to whoever leads, and sends this node's
// batches there. While this node leads, or nobody does, there is none.
func (n *Node) followLeaders(ctx context.Context) {
	var leader string
	for {
		if leader == "" || leader == n.serverID {
			select {
			case <-ctx.Done():
				return
			case leader = <-n.newLeader:
			}
			continue
		}
		leader = n.linkTo(ctx, leader)
		if ctx.Err() != nil {
			return
		}
	}
}

// linkTo serves one leader until another is known, and returns that one.
func (n *Node) linkTo(ctx context.Context, leader string) (next string) {
	linked, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- n.hold(linked, leader) }()
	select {
	case next = <-n.newLeader:
		cancel()
		<-ended
		return next
	case err := <-ended:
		n.log.Debug("link to the leader ended", "leader", leader, "error", err)
	}
	select {
	case next = <-n.newLeader:
		return next
	case <-ctx.Done():
	case <-time.After(relinkAfter):
	}
	return leader
}

// hold keeps one stream to the leader until it ends.
func (n *Node) hold(ctx context.Context, leader string) error {
	addr, ok := n.book.Addr(leader)
	if !ok {
		return fmt.Errorf("no address of leader %s is known", leader)
	}
	stream, err := n.port.DialStream(ctx, addr, leader)
	if err != nil {
		return fmt.Errorf("dial leader: %w", err)
	}
	link := newForwarder(stream, n.heardPulse)
	link.faults = n.cfg.faults
	n.link.Store(link)
	n.route.forward(link)
	defer func() {
		n.leaderFull.Store(false)
		n.link.CompareAndSwap(link, nil)
		n.route.end(link)
	}()
	return link.Run(ctx)
}

// heardPulse notes the leader's word, given after since, and returns the answer
// to it.
func (n *Node) heardPulse(payload []byte, since time.Time) ([]byte, error) {
	var p pulse
	if err := p.unpack(payload); err != nil {
		return nil, err
	}
	if p.Term < n.store.Term() {
		return nil, nil // a deposed leader's word counts for nothing
	}
	if p.Committed > 0 && !since.IsZero() {
		n.horizon.said(since, p.Committed)
	}
	n.leaderFull.Store(p.SpaceLow != 0)
	ack := pulseAck{N: p.N, Term: p.Term, Applied: n.store.Applied()}
	ack.CheckIndex, ack.Digest = n.lastCheck()
	n.compare(p.CheckIndex, p.MajorityDigest)
	return ack.pack(), nil
}

func (n *Node) lastCheck() (index, digest uint64) {
	n.store.View(func(r *registry.Replica, _ time.Duration) { index, digest = r.LastCheck() })
	return index, digest
}

// compare stops this node when the majority of the voters had another state at
// the same entry (promise 10).
func (n *Node) compare(index, majority uint64) {
	if index == 0 {
		return
	}
	if own, digest := n.lastCheck(); own == index && digest != majority {
		n.fail(fmt.Errorf("the state of %s at index %d differs from the majority's (digest %016x, theirs %016x): it serves no longer; "+
			"stop it, move %s away and start it again with an empty directory", n.cfg.NodeID, index, digest, majority, n.cfg.DataDir))
	}
}

// serveFollower answers one follower's stream until it ends.
func (n *Node) serveFollower(from peer.Identity, stream *peer.Stream) {
	err := serveForward(n.ctx, from.ServerID(), stream, n)
	level := slog.LevelDebug
	if errors.Is(err, errFrame) {
		level = slog.LevelWarn
	}
	n.log.Log(n.ctx, level, "stream of a follower ended", "from", from.ServerID(), "error", err)
}
