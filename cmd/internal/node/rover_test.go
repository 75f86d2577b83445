package node

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/history"
)

// rovers are clients that share a few leases and a mailbox, and do to them what
// comes to their minds, with any node. They do not judge any answer: the history
// of all of them does.
type rovers struct {
	c       *cluster
	history *history.Recorder
	hosts   []string

	mu     sync.Mutex      // guards all below
	chosen uint64          // counts the sets of leases and mailboxes
	known  map[string]hold // by id
	posted []string        // ids of messages, of the present mailbox
	end    uint64          // the greatest offset seen in it
	busy   chan struct{}   // closed while something is wrong with the cluster
	calm   bool            // nothing is
	did    int
}

// hold is the newest epoch of an id that some rover was told, and a seq.
type hold struct{ epoch, seq uint64 }

// leasesAtOnce is how many leases the rovers share.
const leasesAtOnce = 3

func newRovers(c *cluster, hosts []string) *rovers {
	return &rovers{c: c, history: history.New(), hosts: hosts, known: make(map[string]hold), busy: make(chan struct{}), calm: true}
}

// move lets the rovers turn to other leases and another mailbox, so that no
// history becomes long.
func (r *rovers) move() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chosen++
	r.known, r.posted, r.end = make(map[string]hold), nil, 0
}

// hurry lets the rovers ask much, and rest lets them do so seldom.
func (r *rovers) hurry() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calm {
		close(r.busy)
	}
	r.calm = false
}

func (r *rovers) rest() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calm, r.busy = true, make(chan struct{})
}

// wait passes the time until the next request.
func (r *rovers) wait(ctx context.Context, rnd *rand.Rand) {
	r.mu.Lock()
	calm, busy := r.calm, r.busy
	r.mu.Unlock()
	if !calm {
		pass(time.Duration(50+rnd.IntN(700)) * time.Millisecond)
		return
	}
	select {
	case <-busy:
	case <-ctx.Done():
	case <-time.After(time.Duration(10+rnd.IntN(50)) * time.Second):
	}
}

// rover is one of them.
type rover struct {
	*rovers
	number int
	rnd    *rand.Rand
	tries  int // requests that were begun
}

func (r *rovers) run(ctx context.Context, number int, rnd *rand.Rand) {
	one := &rover{rovers: r, number: number, rnd: rnd}
	for ctx.Err() == nil {
		one.act(ctx)
		r.wait(ctx, rnd)
	}
}

func (o *rover) act(ctx context.Context) {
	o.tries++
	switch n := o.rnd.IntN(100); {
	case n < 12:
		o.grant()
	case n < 42:
		o.renew(ctx)
	case n < 55:
		id := o.id()
		o.ask(o.history.Get(o.number, id), "GET", "/v1/leases/"+id+"?consistency=linearizable", nil, nil)
	case n < 60:
		o.list()
	case n < 64:
		o.leave()
	case n < 65:
		id := o.id()
		o.ask(o.history.Evict(o.number, id), "DELETE", "/v1/leases/"+id+"?evict=true", nil, nil)
	case n < 76:
		o.send(ctx)
	case n < 86:
		o.read()
	default:
		o.settle()
	}
}

// ask sends a request to some node, and tells the history the answer. True where
// it was done.
func (o *rover) ask(op *history.Op, method, path string, body, into any, header ...string) (done, answered bool) {
	a, err := o.c.doWith(o.hosts[o.rnd.IntN(len(o.hosts))], method, path, body, header...)
	o.mu.Lock()
	o.did++
	o.mu.Unlock()
	if err != nil {
		return false, false
	}
	op.Answer(a.status, a.body)
	if a.status/100 == 2 && into != nil {
		a.into(o.c.t, into)
	}
	return a.status/100 == 2, a.status != 503
}

// id chooses one of the leases.
func (o *rover) id() string { return o.ids()[o.rnd.IntN(leasesAtOnce)] }

func (o *rover) ids() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := make([]string, leasesAtOnce)
	for i := range ids {
		ids[i] = fmt.Sprintf("rover-%d-%d", o.chosen, i)
	}
	return ids
}

func (o *rover) box() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return fmt.Sprintf("box-rover-%d", o.chosen)
}

var ttls = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute}

// grant registers an id, with a key or without, once more where the answer was
// lost and there is a key.
func (o *rover) grant() {
	id, terms := o.id(), history.Terms{TTL: ttls[o.rnd.IntN(len(ttls))], IfAbsent: o.rnd.IntN(3) == 0}
	var header []string
	if terms.IfAbsent {
		header = append(header, "If-None-Match", "*")
	}
	if o.rnd.IntN(4) > 0 {
		terms.Key = fmt.Sprintf("%d-%d", o.number, o.tries)
		header = append(header, "Idempotency-Key", terms.Key)
	}
	for range 5 {
		var g wire.Grant
		op := o.history.Grant(o.number, id, terms)
		done, answered := o.ask(op, "PUT", "/v1/leases/"+id, wire.Registration{TTLMS: terms.TTL.Milliseconds()}, &g, header...)
		if done {
			o.learn(id, hold{g.Epoch, g.Seq})
		}
		if answered || terms.Key == "" {
			return
		}
		pass(time.Duration(o.rnd.IntN(400)) * time.Millisecond)
	}
}

func (o *rover) learn(id string, h hold) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if was, ok := o.known[id]; !ok || h.epoch > was.epoch || h.epoch == was.epoch && h.seq > was.seq {
		o.known[id] = h
	}
}

func (o *rover) hold(id string) hold {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.known[id]
}

// renew sends a beat of the newest epoch that anybody knows, and of an older
// one now and then, until it is answered.
func (o *rover) renew(ctx context.Context) {
	id := o.id()
	h := o.hold(id)
	if h.epoch == 0 {
		return
	}
	seq := h.seq + uint64(o.rnd.IntN(3))
	if seq == 0 || o.rnd.IntN(20) == 0 {
		seq = 1
	}
	for range 5 {
		op := o.history.Renew(o.number, id, h.epoch, seq)
		done, answered := o.ask(op, "POST", "/v1/leases/"+id+"/heartbeat", wire.Heartbeat{Epoch: h.epoch, Seq: seq}, nil)
		if done {
			o.learn(id, hold{h.epoch, seq})
		}
		if answered || ctx.Err() != nil {
			return
		}
		pass(time.Duration(o.rnd.IntN(200)) * time.Millisecond)
	}
}

func (o *rover) leave() {
	id := o.id()
	if h := o.hold(id); h.epoch > 0 {
		o.ask(o.history.Leave(o.number, id, h.epoch), "DELETE", fmt.Sprintf("/v1/leases/%s?epoch=%d", id, h.epoch), nil, nil)
	}
}

func (o *rover) list() {
	ids := o.ids()
	prefix := strings.TrimSuffix(ids[0], "0")
	o.ask(o.history.List(o.number, ids), "GET", "/v1/alive?consistency=linearizable&limit=1000&prefix="+prefix, nil, nil)
}

// send sends a message, again until it is answered.
func (o *rover) send(ctx context.Context) {
	id, box := fmt.Sprintf("%08x-0000-4000-8000-%012x", o.number, o.tries), o.box()
	o.mu.Lock()
	o.posted = append(o.posted, id)
	o.mu.Unlock()
	for range 3 {
		_, answered := o.ask(o.history.Send(o.number, box, id, 0), "POST", "/v1/mailboxes/"+box+"/messages",
			wire.NewMessage{ID: id, Body: json.RawMessage("1")}, nil)
		if answered || ctx.Err() != nil {
			return
		}
		pass(time.Duration(o.rnd.IntN(400)) * time.Millisecond)
	}
}

func (o *rover) read() {
	box := o.box()
	var page wire.MessagesPage
	o.ask(o.history.Read(o.number, box, 0, 1000), "GET", "/v1/mailboxes/"+box+"/messages?limit=1000&consistency=linearizable", nil, &page)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end = max(o.end, page.Next)
}

// some chooses a few messages, the newer ones rather.
func (o *rover) some() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	recent := slices.Clone(o.posted[max(0, len(o.posted)-8):])
	o.rnd.Shuffle(len(recent), func(i, j int) { recent[i], recent[j] = recent[j], recent[i] })
	return recent[:min(len(recent), 1+o.rnd.IntN(3))]
}

// settle acks, nacks or asks for the state of messages.
func (o *rover) settle() {
	box, ids := o.box(), o.some()
	path := "/v1/mailboxes/" + box
	o.mu.Lock()
	end := o.end
	o.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	switch o.rnd.IntN(5) {
	case 0:
		o.ask(o.history.Status(o.number, box, ids[0]), "GET", path+"/messages/"+ids[0]+"?consistency=linearizable", nil, nil)
	case 1:
		n := wire.Nack{IDs: ids[:1]}
		o.ask(o.history.Nack(o.number, box, n), "POST", path+"/nack", n, nil)
	case 2:
		if end == 0 {
			return
		}
		a := wire.Ack{UpTo: end - uint64(o.rnd.IntN(2))}
		if a.UpTo > 0 {
			o.ask(o.history.Ack(o.number, box, a), "POST", path+"/ack", a, nil)
		}
	default:
		a := wire.Ack{IDs: ids}
		o.ask(o.history.Ack(o.number, box, a), "POST", path+"/ack", a, nil)
	}
}
