package api

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// box is a session's place in the mailbox of one of its leases. Its messages
// stay in the registry until there is room to write them.
type box struct {
	id    registry.Identity
	epoch uint64 // of the lease
	dirty bool   // among the dirty of holdings, whose lock guards it

	// The writer's own:
	pushed uint64            // highest offset
	again  map[uint64]uint32 // offset to attempts, of messages pushed after a nack
}

// mailAtOnce is how many messages of a mailbox are looked at in one step.
const mailAtOnce = 64

// soil notes that a mailbox may have something to push.
func (h *holdings) soil(b *box) {
	if !b.dirty {
		b.dirty = true
		h.dirty = append(h.dirty, b)
	}
}

// channels returns the channels of the session's mailboxes and of its watches,
// nil before there are any.
func (w *writer) channels() (bell, news <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holdings.bell != nil {
		bell = w.holdings.bell.C()
	}
	return bell, w.news
}

// rung notes which mailboxes rang.
func (w *writer) rung() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range w.holdings.bell.Take() {
		if b := w.holdings.boxes[id]; b != nil {
			w.holdings.soil(b)
		}
	}
}

// nextDirty returns a mailbox in which there may be something, or nil.
func (w *writer) nextDirty() *box {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := &w.holdings
	for len(h.dirty) > 0 {
		b := h.dirty[0]
		h.dirty = h.dirty[1:]
		if b.dirty = false; h.boxes[b.id] == b {
			return b
		}
	}
	h.dirty = nil
	return nil
}

// pushMail appends messages while there is room, a page of each mailbox in turn.
func (w *writer) pushMail(b []byte) (_ []byte, count int) {
	for len(b) < pushRoom {
		box := w.nextDirty()
		if box == nil {
			return b, count
		}
		n, all := 0, false
		if b, n, all = w.pushBox(b, box); !all {
			w.mu.Lock()
			w.holdings.soil(box)
			w.mu.Unlock()
			w.more = true
		}
		count += n
	}
	w.more = true
	return b, count
}

// pushBox appends messages of one mailbox while there is room. It is true when
// those were all.
func (w *writer) pushBox(b []byte, box *box) (_ []byte, count int, all bool) {
	most := mailAtOnce + len(box.again)
	page := w.lookInto(box, most)
	w.remember(box, page.DueMS)
	seen := make(map[uint64]uint32, len(box.again))
	for i := range page.Messages {
		m := &page.Messages[i]
		if m.Attempts > 0 {
			seen[m.Offset] = box.again[m.Offset]
		}
		if !box.wants(m) {
			continue
		}
		if len(b) >= pushRoom {
			return b, count, false
		}
		n := 0
		if b, n = w.pushMessage(b, box, m); n > 0 {
			count++
		}
		box.note(m, seen)
	}
	if all = len(page.Messages) < most; all {
		box.again = seen // what is not in a whole page was dealt with, or nacked once more
	}
	return b, count, all
}

// lookInto returns what is in a mailbox beyond what was pushed, and what is due
// again.
func (w *writer) lookInto(box *box, most int) (page registry.MessagePage) {
	w.server.node.View(func(r *registry.Replica, mono time.Duration) {
		page = r.Messages(box.id.NS, box.id.ID, box.pushed, most, r.ClusterNow(mono))
	})
	return page
}

// wants tells whether a message is to be pushed: new, or nacked since it was.
func (b *box) wants(m *registry.Message) bool {
	return m.Offset > b.pushed || m.Attempts > b.again[m.Offset]
}

// note notes that a message was pushed.
func (b *box) note(m *registry.Message, seen map[uint64]uint32) {
	b.pushed = max(b.pushed, m.Offset)
	if m.Attempts == 0 {
		return
	}
	if b.again == nil {
		b.again = make(map[uint64]uint32)
	}
	b.again[m.Offset], seen[m.Offset] = m.Attempts, m.Attempts
}

// pushMessage appends a message, if it has not ended meanwhile.
func (w *writer) pushMessage(b []byte, box *box, m *registry.Message) ([]byte, int) {
	letter, there, err := w.server.open(box.id, m)
	if err != nil {
		w.end(w.broke(err))
		return b, 0
	}
	if !there {
		return b, 0
	}
	pushed := pushedMessage{Op: wire.OpMessage, To: box.id.ID, Message: letter}
	if box.id.NS != wire.DefaultNS {
		pushed.NS = box.id.NS
	}
	w.server.metrics.pushed.Inc()
	return w.frame(b, pushed)
}

// remember notes in how many milliseconds a nacked message of a mailbox is due,
// 0 for none.
func (w *writer) remember(in *box, dueMS uint64) {
	if dueMS == 0 {
		delete(w.waits, in)
		return
	}
	if w.waits == nil {
		w.waits = make(map[*box]time.Time)
	}
	at := time.Now().Add(max(shortestWait, time.Duration(dueMS)*time.Millisecond))
	w.waits[in] = at
	if w.due.IsZero() || at.Before(w.due) {
		w.due = at
	}
}

// wakeBoxes looks into the mailboxes in which something is due.
func (w *writer) wakeBoxes(now time.Time) {
	w.due = time.Time{}
	w.mu.Lock()
	defer w.mu.Unlock()
	for box, at := range w.waits {
		switch {
		case w.holdings.boxes[box.id] != box:
			delete(w.waits, box)
		case !at.After(now):
			delete(w.waits, box)
			w.holdings.soil(box)
		case w.due.IsZero() || at.Before(w.due):
			w.due = at
		}
	}
}

// pushLost appends which leases have ended.
func (w *writer) pushLost(b []byte) (_ []byte, count int) {
	w.mu.Lock()
	lost := w.holdings.lost
	w.holdings.lost = nil
	w.mu.Unlock()
	for _, l := range lost {
		n := 0
		b, n = w.frame(b, wire.LostLease{Op: wire.OpLost, ID: l.id.ID, Epoch: l.epoch, Certificate: showCertificate(l.certificate)})
		count += n
	}
	return b, count
}
