package node

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// poster sends messages to a mailbox of its own through a storm, reads them,
// gives them back and acknowledges them, and holds every answer against what it
// was told before.
type poster struct {
	*witness
	number  int
	sent    int             // messages that were begun
	last    uint64          // offset of the newest
	pending map[string]mail // acknowledged and neither read nor
	acked   []string
	doubt   map[string]bool // of which the storm's end left the fate open
}

// mail is one message that waits.
type mail struct {
	offset   uint64
	body     string
	attempts uint32
}

func newPoster(w *witness, number int) *poster {
	return &poster{witness: w, number: number, pending: make(map[string]mail), doubt: make(map[string]bool)}
}

func (p *poster) box() string { return fmt.Sprint("/v1/mailboxes/box-", p.number) }

func (p *poster) run(ctx context.Context) {
	for ctx.Err() == nil {
		switch p.rnd.IntN(6) {
		case 0:
			p.read()
		case 1:
			p.acknowledge(ctx)
		case 2:
			p.giveBack(ctx)
		default:
			p.send(ctx)
		}
		pass(time.Duration(50+p.rnd.IntN(200)) * time.Millisecond)
	}
}

// insist sends a request until it is decided; false when the storm ended before.
func (p *poster) insist(ctx context.Context, path string, body, into any) bool {
	for ctx.Err() == nil {
		a, ok := p.ask("POST", p.box()+path, body)
		if !ok {
			continue
		}
		if a.status != http.StatusOK && a.status != http.StatusCreated {
			p.t.Errorf("POST %s%s: %d %s", p.box(), path, a.status, a.body)
			return false
		}
		a.into(p.t, into)
		return true
	}
	return false
}

func (p *poster) send(ctx context.Context) {
	p.sent++
	id, body := fmt.Sprintf("%08x-0000-4000-8000-%012x", p.number, p.sent), fmt.Sprintf(`{"n":%d}`, p.sent)
	var sent wire.Sent
	p.doubt[id] = true
	if !p.insist(ctx, "/messages", wire.NewMessage{ID: id, From: "storm", Body: json.RawMessage(body)}, &sent) {
		return
	}
	delete(p.doubt, id)
	if sent.ID != id || sent.Offset != p.last+1 || sent.State != "pending" {
		p.t.Errorf("sent as number %d to box %d: %+v", p.last+1, p.number, sent)
	}
	p.last = sent.Offset
	p.pending[id] = mail{offset: sent.Offset, body: body}
	p.counts.sent++
}

// some returns a few messages that wait, the same for the same seed.
func (p *poster) some() []string {
	ids := slices.Sorted(maps.Keys(p.pending))
	p.rnd.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids[:min(len(ids), 1+p.rnd.IntN(4))]
}

func (p *poster) acknowledge(ctx context.Context) {
	ids := p.some()
	if len(ids) == 0 {
		return
	}
	var acked wire.Acked
	for _, id := range ids {
		p.doubt[id] = true
	}
	if !p.insist(ctx, "/ack", wire.Ack{IDs: ids}, &acked) {
		return
	}
	for _, id := range ids {
		delete(p.doubt, id)
		delete(p.pending, id)
	}
	p.acked = append(p.acked, ids...)
	if acked.Pending != len(p.pending) {
		p.t.Errorf("box %d has %d pending after an ack, want %d", p.number, acked.Pending, len(p.pending))
	}
}

// giveBack nacks a message, but not so often that it dies.
func (p *poster) giveBack(ctx context.Context) {
	for _, id := range p.some() {
		m := p.pending[id]
		if m.attempts == 3 {
			continue
		}
		p.doubt[id] = true
		if !p.insist(ctx, "/nack", wire.Nack{IDs: []string{id}, Attempt: m.attempts + 1, Reason: "storm"}, &wire.Nacked{}) {
			return
		}
		delete(p.doubt, id)
		m.attempts++
		p.pending[id] = m
		return
	}
}

// read checks that everything that waits is there, once and in order, but for
// what was given back and is not due.
func (p *poster) read() {
	a, ok := p.ask("GET", p.box()+"/messages?limit=1000&consistency=linearizable", nil)
	if !ok {
		return
	}
	var page wire.MessagesPage
	a.into(p.t, &page)
	seen := p.check(&page)
	for id, m := range p.pending {
		if !seen[id] && m.attempts == 0 && !p.doubt[id] {
			p.t.Errorf("message %d of box %d is not there: %s", m.offset, p.number, a.body)
		}
	}
	p.counts.mailRead++
}

// check holds a page against what is known, and returns which ids it has.
func (p *poster) check(page *wire.MessagesPage) map[string]bool {
	seen := make(map[string]bool)
	last := uint64(0)
	for _, m := range page.Messages {
		want, known := p.pending[m.ID]
		fits := m.Offset == want.offset && string(m.Body) == want.body && m.Attempts == want.attempts && m.From == "storm"
		if m.Offset <= last || !p.doubt[m.ID] && (!known || !fits) {
			p.t.Errorf("box %d: read %+v %s after offset %d, want %+v", p.number, m, m.Body, last, want)
		}
		last, seen[m.ID] = m.Offset, true
	}
	if page.Gap != nil {
		p.t.Errorf("box %d has a gap: %+v", p.number, page.Gap)
	}
	return seen
}

// finish checks, when the storm is over, that every node has what waits and
// knows of what was acknowledged.
func (p *poster) finish(c *cluster) {
	for _, r := range c.nodes {
		var page wire.MessagesPage
		c.must(r, "GET", p.box()+"/messages?limit=1000&consistency=linearizable", nil, 200).into(c.t, &page)
		seen := p.check(&page)
		for id, m := range p.pending {
			if !seen[id] && !p.doubt[id] {
				p.t.Errorf("%s lacks message %d of box %d: %+v", r.name, m.offset, p.number, m)
			}
		}
		for _, id := range p.acked {
			var status wire.MessageStatus
			c.must(r, "GET", p.box()+"/messages/"+id, nil, 200).into(c.t, &status)
			if status.State != "acked" {
				p.t.Errorf("on %s an acknowledged message is %+v", r.name, status)
			}
		}
	}
}
