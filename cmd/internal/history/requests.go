package history

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Grant begins a PUT of a lease.
func (r *Recorder) Grant(client int, id string, t Terms) *Op {
	if t.TTL == 0 {
		t.TTL = wire.DefaultTTL
	}
	return r.begin(Op{client: client, kind: grant, id: id, terms: t})
}

// Renew begins a heartbeat.
func (r *Recorder) Renew(client int, id string, epoch, seq uint64) *Op {
	return r.begin(Op{client: client, kind: renew, id: id, epoch: epoch, seq: seq})
}

// Leave begins a DELETE by the holder of an epoch.
func (r *Recorder) Leave(client int, id string, epoch uint64) *Op {
	return r.begin(Op{client: client, kind: leave, id: id, epoch: epoch})
}

// Evict begins a DELETE with evict=true.
func (r *Recorder) Evict(client int, id string) *Op {
	return r.begin(Op{client: client, kind: evict, id: id})
}

// Get begins a linearizable GET of a lease.
func (r *Recorder) Get(client int, id string) *Op {
	return r.begin(Op{client: client, kind: get, id: id})
}

// List begins a linearizable GET of /v1/alive that must show every one of ids
// that is alive: without a filter that they do not match, in one page.
func (r *Recorder) List(client int, ids []string) *Op {
	return r.begin(Op{client: client, kind: list, list: ids})
}

// Certificate notes a certificate that a watch or a history told of, of a lease
// that ended before now.
func (r *Recorder) Certificate(client int, c *wire.Certificate) {
	o := r.begin(Op{client: client, kind: ending, id: c.ID, epoch: c.Epoch})
	r.end(o, answer{certificate: short(c)}, decided, nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	o.call, o.from = 0, 0
}

// Send begins a POST of a message with an id of the sender's; ttl as it was
// asked for, 0 where it was left out.
func (r *Recorder) Send(client int, box, message string, ttl time.Duration) *Op {
	if ttl == 0 {
		ttl = wire.MessageTTL
	}
	return r.begin(Op{client: client, kind: send, id: box, mail: request{ids: []string{message}, ttl: ttl}})
}

// Read begins a linearizable GET of a mailbox's messages that does not wait;
// limit 0 where it was left out.
func (r *Recorder) Read(client int, box string, after uint64, limit int) *Op {
	if limit == 0 {
		limit = wire.DefaultLimit
	}
	return r.begin(Op{client: client, kind: read, id: box, mail: request{after: after, limit: limit}})
}

// Ack begins a POST of an ack.
func (r *Recorder) Ack(client int, box string, a wire.Ack) *Op {
	return r.begin(Op{client: client, kind: ack, id: box, mail: request{ids: a.IDs, upTo: a.UpTo}})
}

// Nack begins a POST of a nack.
func (r *Recorder) Nack(client int, box string, n wire.Nack) *Op {
	return r.begin(Op{client: client, kind: nack, id: box, mail: request{ids: n.IDs, attempt: n.Attempt}})
}

// Status begins a linearizable GET of one message.
func (r *Recorder) Status(client int, box, message string) *Op {
	return r.begin(Op{client: client, kind: status, id: box, mail: request{ids: []string{message}}})
}
