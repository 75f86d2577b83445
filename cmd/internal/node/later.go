package node

import (
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// BeatLater is Beat for a caller that has many on their way. A beat that this
// replica cannot vouch for, and a refusal that it cannot explain yet, are rare:
// they get a goroutine.
func (n *Node) BeatLater(ns, id string, epoch, seq uint64, w api.BeatWaiter, token uint64) {
	began := time.Now()
	if r, revision, wrong := n.misbeat(ns, id, epoch, seq); wrong {
		w.BeatDone(token, r, revision, nil)
		return
	}
	if n.holds(ns, id, epoch) {
		n.collector.BeatLater(epoch, seq, &laterBeat{n, w, began}, token)
		return
	}
	if !n.workers.Go(func() {
		cmd := &registry.RenewNamed{NS: ns, ID: id, Epoch: epoch, Seq: seq}
		r, revision, err := n.beatNamed(n.ctx, began, cmd)
		w.BeatDone(token, r, revision, err)
	}) {
		w.BeatDone(token, registry.BeatResult{}, 0, errGone)
	}
}

// errGone answers a beat that came when the node had ended.
var errGone = fmt.Errorf("%w: this node has stopped", api.ErrNoLeader)

// laterBeat hands the collector's answer on.
type laterBeat struct {
	node  *Node
	to    api.BeatWaiter
	began time.Time
}

// BeatDone is called by the collector, and does not block.
func (l *laterBeat) BeatDone(token uint64, r registry.BeatResult, at collector.Commit, err error) {
	if err != nil || r.Code == registry.OK || r.Code == registry.Duplicate {
		l.to.BeatDone(token, r, at.Revision, outward(err))
		return
	}
	n := l.node
	if !n.workers.Go(func() {
		l.to.BeatDone(token, r, at.Revision, n.explained(n.ctx, l.began, r.Code, at))
	}) {
		l.to.BeatDone(token, registry.BeatResult{}, 0, errGone)
	}
}
