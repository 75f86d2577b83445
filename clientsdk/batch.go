package clientsdk

import (
	"context"
	"encoding/binary"
	"net/http"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const beatSize = 16 // epoch and seq, big-endian

// work is one worker: it sends batches until ctx ends.
func (g *Gateway) work(ctx context.Context) {
	for {
		select {
		case <-g.wake:
		case <-ctx.Done():
			return
		}
		if !g.full() && sleep(ctx, g.config.Linger) != nil {
			return
		}
		if batch := g.take(); len(batch) > 0 {
			g.deliver(ctx, batch)
		}
	}
}

// full says that waiting brings a batch no more company.
func (g *Gateway) full() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queue.Len() >= g.config.Batch
}

// sending is one beat of a batch.
type sending struct {
	lease *tracked
	seq   uint64
}

// take makes a batch of those that have waited longest, and leaves the rest to
// the next worker.
func (g *Gateway) take() []sending {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch := make([]sending, 0, min(g.queue.Len(), g.config.Batch))
	for len(batch) < cap(batch) {
		t := g.queue.Remove(g.queue.Front()).(*tracked)
		t.place, t.busy = nil, true
		t.seq++
		batch = append(batch, sending{lease: t, seq: t.seq})
	}
	if g.queue.Len() > 0 {
		g.signal()
	}
	return batch
}

// deliver sends a batch, settles what became of it, and tells.
func (g *Gateway) deliver(ctx context.Context, batch []sending) {
	results := g.send(ctx, batch)
	g.settle(batch, results)
	if g.config.OnResults == nil || ctx.Err() != nil {
		return
	}
	g.telling.Lock()
	defer g.telling.Unlock()
	_ = g.client.guard("OnResults", func() error { g.config.OnResults(results); return nil })
}

// send renews a batch: the same beats again, on another endpoint, until there
// is an answer or the client's tries are used up. A beat that an earlier try
// brought in comes back as a duplicate, which is why T counts from the first.
func (g *Gateway) send(ctx context.Context, batch []sending) []BeatResult {
	sent := g.client.clock.now()
	k := call{
		method: http.MethodPost, path: wire.PathHeartbeats,
		media: wire.TypeBeats, body: packBeats(batch), repeat: true,
	}
	var answer wire.HeartbeatsResult
	_, err := g.client.do(ctx, k, &answer)
	refused, pending := index(&answer)
	results := make([]BeatResult, len(batch))
	for i, b := range batch {
		results[i] = BeatResult{
			ID: b.lease.id, Epoch: b.lease.epoch, Seq: b.seq, Sent: sent.at,
			Pending: pending[b.lease.epoch], Code: refused[b.lease.epoch], Err: err,
		}
	}
	return results
}

func packBeats(batch []sending) []byte {
	b := make([]byte, 0, beatSize*len(batch))
	for _, s := range batch {
		b = binary.BigEndian.AppendUint64(b, s.lease.epoch)
		b = binary.BigEndian.AppendUint64(b, s.seq)
	}
	return b
}

// index finds refusals and pending messages by epoch.
func index(answer *wire.HeartbeatsResult) (refused map[uint64]wire.Code, pending map[uint64]int) {
	refused = make(map[uint64]wire.Code, len(answer.Rejected))
	for _, r := range answer.Rejected {
		refused[r.Epoch] = r.Code
	}
	pending = make(map[uint64]int, len(answer.Pending))
	for _, p := range answer.Pending {
		pending[p[0]] = int(p[1])
	}
	return refused, pending
}

// settle forgets whose epoch has ended, and queues who was heard meanwhile.
func (g *Gateway) settle(batch []sending, results []BeatResult) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, b := range batch {
		t := b.lease
		t.busy = false
		if g.leases[t.id] != t {
			continue // forgotten, or another epoch by now
		}
		switch {
		case results[i].Gone():
			g.forget(t.id)
		case t.again:
			t.again = false
			g.enqueue(t)
		}
	}
}
