package clientsdk

import (
	"context"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// emptyPause is between questions whose answer came at once and had nothing
// new: a message that is due again shows until it is settled.
var emptyPause = Retry{Base: 50 * time.Millisecond, Max: time.Second}

// reader is where an inbox has read to.
type reader struct {
	after  uint64 // all up to here was handed out
	gap    uint64 // up to here gaps were reported
	failed int    // questions in a row
	empty  int    // answers in a row that came at once and had nothing new
	begun  bool   // there was an answer
}

// read hands messages to the workers until ctx ends or reading is refused.
func (b *inbox) read(ctx context.Context) error {
	var r reader
	for {
		if err := sleep(ctx, max(b.client.config.Retry.pause(r.failed), emptyPause.pause(r.empty))); err != nil {
			return err
		}
		if err := b.awaitRoom(ctx); err != nil {
			return err
		}
		began := time.Now()
		page, err := b.next(ctx, r.after)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil:
			r.failed, r.begun = 0, true
		case isDefinite(err) && (!r.begun || CodeOf(err) != ""):
			return err
		default:
			r.failed++
			continue
		}
		if err := b.handOut(ctx, &r, page, time.Since(began)); err != nil {
			return err
		}
	}
}

// awaitRoom returns when fewer messages are held than may be.
func (b *inbox) awaitRoom(ctx context.Context) error {
	for b.left() == 0 {
		select {
		case <-b.room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// left is how many more messages may be held.
func (b *inbox) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.config.Batch - len(b.busy)
}

// ask reads a page, of a node that knows what was settled before.
func (b *inbox) ask(ctx context.Context, after uint64) (*wire.MessagesPage, error) {
	b.mu.Lock()
	clear(b.recent)
	b.asking = true
	revision := b.revision
	b.mu.Unlock()
	var how []ReadOption
	if revision > 0 {
		how = append(how, AtLeast(revision))
	}
	query := MessagesQuery{After: after, Limit: b.config.Batch, Wait: b.config.Wait}
	return b.client.Messages(ctx, b.id, query, how...)
}

// handOut takes what is new in a page, as far as there is room, and goes on
// behind it.
func (b *inbox) handOut(ctx context.Context, r *reader, page *wire.MessagesPage, took time.Duration) error {
	b.tellGap(r, page.Gap)
	fresh, all := b.take(page.Messages)
	for _, m := range fresh {
		r.after = max(r.after, m.Offset)
		select {
		case b.work <- m:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if all {
		r.after = max(r.after, page.Next)
	} else {
		b.fallBehind()
	}
	r.empty++
	if len(fresh) > 0 || took >= min(b.config.Wait, emptyPause.Max) {
		r.empty = 0
	}
	return nil
}

// take marks those messages busy that are not yet, while there is room; all
// says that there was for every one.
func (b *inbox) take(page []wire.Message) (fresh []wire.Message, all bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asking = false
	for _, m := range page {
		switch least, settled := b.recent[m.ID]; {
		case b.busy[m.ID] || settled && m.Attempts < least:
		case len(b.busy) >= b.config.Batch:
			return fresh, false
		default:
			b.busy[m.ID] = true
			fresh = append(fresh, m)
		}
	}
	return fresh, true
}

// tellGap reports a gap, or what it has grown by.
func (b *inbox) tellGap(r *reader, gap *wire.Gap) {
	if gap == nil || gap.To <= r.gap {
		return
	}
	told := *gap
	told.From = max(told.From, r.gap+1)
	r.gap = gap.To
	if b.config.OnGap != nil {
		_ = b.client.guard("OnGap", func() error { b.config.OnGap(told); return nil })
	}
}
