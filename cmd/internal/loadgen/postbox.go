package loadgen

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// postbox is one mailbox of a run, and what the driver knows of it.
type postbox struct {
	number int
	id     string
	*letters

	mu      sync.Mutex // guards all below
	state   []letterState
	sent    []time.Time // when each was sent first
	missing int         // acknowledged, but not arrived yet
	found   Findings
	latency *hdrhistogram.Histogram // from sending to arriving
}

// letterState is what is known of one message.
type letterState uint8

const (
	letterAcknowledged letterState = 1 << iota // a node has answered that it is kept
	letterArrived
)

// Findings are what a run of mail must not find.
type Findings struct {
	Lost     int64 `json:"lost"`     // acknowledged, but did not arrive
	Twice    int64 `json:"twice"`    // one id that arrived with several offsets
	Altered  int64 `json:"altered"`  // bodies that are not what was sent
	Strange  int64 `json:"strange"`  // messages that nobody sent
	Unsorted int64 `json:"unsorted"` // offsets that were not beyond the one before
	Gaps     int64 `json:"gaps"`     // messages that were dropped
}

func (f *Findings) add(other Findings) {
	f.Lost += other.Lost
	f.Twice += other.Twice
	f.Altered += other.Altered
	f.Strange += other.Strange
	f.Unsorted += other.Unsorted
	f.Gaps += other.Gaps
}

func newPostbox(number int, id string, l *letters) *postbox {
	return &postbox{number: number, id: id, letters: l, latency: newHistogram()}
}

// next returns the number of the next message to send.
func (p *postbox) next(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, p.sent = append(p.state, 0), append(p.sent, now)
	return len(p.state) - 1
}

// acknowledged notes that a message is kept. It may have arrived by then.
func (p *postbox) acknowledged(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state[n]&letterArrived == 0 {
		p.missing++
	}
	p.state[n] |= letterAcknowledged
}

// arrived notes a page of messages, that was read after an offset, and returns
// how many were new.
func (p *postbox) arrived(after uint64, page *wire.MessagesPage, now time.Time) (fresh int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g := page.Gap; g != nil {
		p.found.Gaps += int64(g.To - g.From + 1)
	}
	for i := range page.Messages {
		m := &page.Messages[i]
		if m.Offset <= after {
			p.found.Unsorted++
		}
		after = max(after, m.Offset)
		if p.take(m, now) {
			fresh++
		}
	}
	return fresh
}

// take notes one message and says whether it is new. p.mu is held.
func (p *postbox) take(m *wire.Message, now time.Time) bool {
	mailbox, n, ok := p.parse(m.ID)
	if !ok || mailbox != p.number || n >= len(p.state) {
		p.found.Strange++
		return false
	}
	if !p.same(m.Body, mailbox, n) {
		p.found.Altered++
	}
	if p.state[n]&letterArrived != 0 {
		p.found.Twice++
		return false
	}
	if p.state[n]&letterAcknowledged != 0 {
		p.missing--
	}
	p.state[n] |= letterArrived
	record(p.latency, now.Sub(p.sent[n]))
	return true
}

// awaited is how many acknowledged messages have not arrived.
func (p *postbox) awaited() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.missing
}

// sum is what was found in all.
func (p *postbox) sum() Findings {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.found
	f.Lost += int64(p.missing)
	return f
}
