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
		c.refuseBeat(q, r)
		return
	}
	if q.beat.rtt >= 0 {
		s.rtts.add(q.beat.epoch, q.beat.rtt)
	}
	c.renewed(&q, &r, revision)
}

// refuseBeat has the writer answer a heartbeat that was refused.
func (c *session) refuseBeat(q call, r registry.BeatResult) {
	c.later(func() { c.refuse(q.rid, q.weight, c.problem(c.server.refusedBeat(q.ns, q.id, q.beat, r), q.op)) })
}

// renewed answers a heartbeat that was accepted.
func (c *session) renewed(q *call, r *registry.BeatResult, revision uint64) {
	if c.format != jsonFrames {
		payload, err := c.encode(wire.OpOK, q.rid, showRenewed(q.id, q.beat, r, revision))
		c.putRenewed(q, payload, err)
		return
	}
	renewed := showRenewed(q.id, q.beat, r, revision)
	var body, frame [512]byte
	payload, err := appendJSONAnswer(frame[:0], wire.OpOK, q.rid, appendRenewed(body[:0], &renewed))
	c.putRenewed(q, payload, err)
}

// putRenewed lets that answer wait to be written. The lease is the session's.
func (c *session) putRenewed(q *call, payload []byte, err error) {
	if err != nil {
		c.end(c.broke(err))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue(payload, q.weight)
	if c.holdings.leases[q.beat.epoch] == nil && c.ending == nil {
		c.claimLater(q.beat.epoch, registry.Identity{NS: q.ns, ID: q.id})
	}
}

// claimLater has the writer claim. The caller holds the lock.
func (c *session) claimLater(epoch uint64, id registry.Identity) {
	c.chores = append(c.chores, func() { c.claim(epoch, id, false) })
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
