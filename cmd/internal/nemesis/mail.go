//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// box is a mailbox with one who sends to it and one who reads it.
type box struct {
	*fleet
	id string

	mu   sync.Mutex // guards what follows
	sent []letter   // acknowledged, in the order of sending
	seen map[string]bool
	done uint64 // offset up to which an ack was acknowledged
}

// letter is a message that was acknowledged.
type letter struct {
	id     string
	offset uint64
	at     time.Time
}

func newBox(f *fleet, i int) *box {
	return &box{fleet: f, id: fmt.Sprint("box-", i), seen: make(map[string]bool)}
}

func (b *box) path(rest string) string { return wire.PathMailboxes + "/" + b.id + rest }

// postman sends one message after another, each until it is acknowledged, and
// some again afterwards.
type postman struct {
	*box
	client int
	last   uint64
}

func (p *postman) run(ctx context.Context) {
	for ctx.Err() == nil {
		id := uuid.NewString()
		first, ok := p.send(ctx, id)
		if !ok {
			continue
		}
		if first.Offset <= p.last {
			p.ledger.find(twice, "%s has offset %d, the message before it %d", id, first.Offset, p.last)
		}
		p.last = first.Offset
		p.mu.Lock()
		p.sent = append(p.sent, letter{id, first.Offset, time.Now()})
		p.mu.Unlock()
		if rand.IntN(4) == 0 {
			if again, ok := p.send(ctx, id); ok && (!again.Duplicate || again.Offset != first.Offset) {
				p.ledger.find(twice, "%s was sent again: %+v, first %+v", id, again, first)
			}
		}
		pass(ctx, 100*time.Millisecond+rand.N(200*time.Millisecond))
	}
}

func (p *postman) send(ctx context.Context, id string) (s wire.Sent, ok bool) {
	a, _ := p.insist(ctx, func() recorded { return p.ops.Send(p.client, p.id, id, time.Hour) }, request{
		method: http.MethodPost, path: p.path("/messages"), within: 2 * time.Second,
		body: wire.NewMessage{ID: id, From: "nemesis", Body: []byte(`"` + id + `"`), TTLMS: time.Hour.Milliseconds()},
	})
	return s, a.ok() && a.into(&s) == nil
}

// addressee reads what waits and acknowledges it, up to an offset or one by one.
type addressee struct {
	*box
	client int
}

func (r *addressee) run(ctx context.Context) {
	for ctx.Err() == nil {
		page, ok := r.read(ctx)
		if !ok {
			pass(ctx, retryEvery)
			continue
		}
		r.check(page)
		if n := len(page.Messages); n > 0 {
			r.acknowledge(ctx, page.Messages[:1+rand.IntN(n)])
		}
		pass(ctx, 100*time.Millisecond+rand.N(500*time.Millisecond))
	}
}

// read asks for everything that waits, since the beginning.
func (r *addressee) read(ctx context.Context) (page wire.MessagesPage, ok bool) {
	q := get(r.path("/messages?consistency=linearizable&limit=200"), 2*time.Second)
	q.op = r.ops.Read(r.client, r.id, 0, 200)
	a := r.ask(ctx, r.somewhere(), q)
	return page, a.ok() && a.into(&page) == nil
}

// check holds a page against what was acknowledged.
func (r *addressee) check(page wire.MessagesPage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var before uint64
	for _, m := range page.Messages {
		r.seen[m.ID] = true
		if m.Offset <= r.done {
			r.ledger.find(lost, "%s at offset %d came again though all up to %d were acknowledged", m.ID, m.Offset, r.done)
		}
		if m.Offset <= before {
			r.ledger.find(gap, "%s: offset %d after %d in one page", r.id, m.Offset, before)
		}
		before = m.Offset
	}
	if page.Gap != nil {
		r.ledger.find(lost, "%s: messages were dropped: %+v", r.id, page.Gap)
	}
}

func (r *addressee) acknowledge(ctx context.Context, messages []wire.Message) {
	up := messages[len(messages)-1].Offset
	body := wire.Ack{UpTo: up}
	if rand.IntN(2) == 0 {
		body = wire.Ack{}
		for _, m := range messages {
			body.IDs = append(body.IDs, m.ID)
		}
	}
	a, _ := r.insist(ctx, func() recorded { return r.ops.Ack(r.client, r.id, body) }, request{
		method: http.MethodPost, path: r.path("/ack"), body: body, within: 2 * time.Second,
	})
	if a.ok() {
		r.mu.Lock()
		r.done = max(r.done, up)
		r.mu.Unlock()
	}
}

// judge looks for messages that were acknowledged so long ago and that nobody
// saw.
func (b *box) judge(before time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = slices.DeleteFunc(b.sent, func(l letter) bool {
		switch {
		case b.seen[l.id]:
			delete(b.seen, l.id)
			return true
		case l.at.Before(before) && l.offset <= b.done:
			b.ledger.find(lost, "%s, acknowledged with offset %d, was never read though all up to %d were acknowledged", l.id, l.offset, b.done)
			return true
		}
		return false
	})
}
