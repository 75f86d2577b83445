package api

import (
	"context"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// heartbeat begins to renew one lease: the hot path.
func (c *session) heartbeat(f *beatFrame, weight int) {
	q := call{rid: f.rid, op: wire.OpHeartbeat, weight: weight, ns: f.ns, id: f.id, beat: f.beat}
	if token, ok := c.begin(q); ok {
		c.server.node.BeatLater(q.ns, q.id, q.beat.epoch, q.beat.seq, c, token)
	}
}

// decodedHeartbeat is heartbeat for what the scanner does not know.
func (c *session) decodedHeartbeat(q *call, f *fields) {
	q.id = f.leaseID("id")
	q.beat = f.beat()
	if err := f.done(); err != nil {
		c.refuse(q.rid, q.weight, c.problem(err, q.op))
		return
	}
	c.heartbeat(&beatFrame{rid: q.rid, ns: q.ns, id: q.id, beat: q.beat}, q.weight)
}

// BeatDone answers a heartbeat. Whatever must ask the node is left to the
// writer.
func (c *session) BeatDone(token uint64, r registry.BeatResult, revision uint64, err error) {
	s := c.server
	c.mu.Lock()
	q := c.calls.end(token, false)
	c.mu.Unlock()
	if err != nil {
		s.metrics.lostBeats.Inc()
		c.refuse(q.rid, q.weight, c.problem(err, q.op))
		return
	}
	s.metrics.beat(r.Code).Inc()
	if r.Code != registry.OK && r.Code != registry.Duplicate {
		c.later(func() { c.refuse(q.rid, q.weight, c.problem(s.refusedBeat(q.ns, q.id, q.beat, r), q.op)) })
		return
	}
	if q.beat.rtt >= 0 {
		s.rtts.add(q.beat.epoch, q.beat.rtt)
	}
	c.renewed(&q, &r, revision)
}

// renewed answers a heartbeat that was accepted.
func (c *session) renewed(q *call, r *registry.BeatResult, revision uint64) {
	renewed := showRenewed(q.id, q.beat, r, revision)
	var memory [512]byte
	payload, err := c.appendRenewed(memory[:0], q.rid, &renewed)
	if err != nil {
		c.end(c.broke(err))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue(payload, q.weight)
	if c.holdings.leases[q.beat.epoch] == nil && c.ending == nil {
		id := registry.Identity{NS: q.ns, ID: q.id}
		c.chores = append(c.chores, func() { c.claim(q.beat.epoch, id, false) })
	}
}

// appendRenewed appends the answer to a heartbeat.
func (c *session) appendRenewed(dst []byte, r rid, renewed *wire.Renewed) ([]byte, error) {
	if c.format != jsonFrames {
		raw, err := encodeCBOR(renewed)
		if err != nil {
			return nil, err
		}
		return appendCBORAnswer(dst, wire.OpOK, r, raw)
	}
	var memory [512]byte
	return appendJSONAnswer(dst, wire.OpOK, r, appendRenewed(memory[:0], renewed))
}

// heartbeats renews many leases of one namespace.
func (c *session) heartbeats(ctx context.Context, q *call, f *fields) (any, func(), error) {
	list := f.beatList()
	if err := f.done(); err != nil {
		return nil, nil, err
	}
	beats, err := list.beats()
	if err != nil {
		return nil, nil, err
	}
	batch, results, err := c.server.renewBatch(ctx, q.ns, beats)
	if err != nil {
		return nil, nil, err
	}
	return batch, func() { c.claimBatch(beats, results) }, nil
}

// claimBatch makes the leases of a batch the session's, those that are not yet.
// One that has ended since was lost.
func (c *session) claimBatch(beats registry.Beats, results []registry.BeatResult) {
	for _, epoch := range c.strange(beats, results) {
		if id, lives := c.server.holderOf(epoch); lives {
			c.claim(epoch, id, false)
		} else if ended := c.server.certificateOf(epoch); ended != nil {
			c.mu.Lock()
			c.announce(epoch, registry.Identity{NS: ended.NS, ID: ended.ID}, ended)
			c.mu.Unlock()
		}
	}
}

// strange returns the epochs that were renewed and are not the session's.
func (c *session) strange(beats registry.Beats, results []registry.BeatResult) (epochs []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range results {
		epoch, _ := beats.At(i)
		renewed := results[i].Code == registry.OK || results[i].Code == registry.Duplicate
		if renewed && c.holdings.leases[epoch] == nil {
			epochs = append(epochs, epoch)
		}
	}
	return epochs
}
