package loadgen

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// mailWait is how long a read may wait for messages.
const mailWait = time.Second

// mailReader reads one mailbox and acknowledges what it has read. It belongs to
// one goroutine; only the tally's counters are read by others.
type mailReader struct {
	run    *mailRun
	ctx    context.Context // of the run
	conn   *conn
	box    *postbox
	tally  *tally // of the pages
	acks   *hdrhistogram.Histogram
	acked  int64
	after  uint64
	unread uint64 // after what is not acknowledged yet; 0: all is
	pause  time.Duration
}

// read reads until all that was acknowledged to a sender has arrived, nothing
// more comes for too long, or the run is called off.
func (r *mailReader) read() {
	defer r.conn.close()
	for last := time.Now(); r.ctx.Err() == nil; {
		settled := r.run.allSent()
		fresh, err := r.page(settled)
		switch {
		case err != nil:
			r.tally.refused(codeOf(r.ctx, err), 1)
			if final(err) {
				r.run.stop(err)
				return
			}
			r.pause = backOff(r.ctx, r.pause)
		case fresh > 0 || !settled:
			last, r.pause = time.Now(), 0
		case r.box.awaited() == 0 && r.unread == 0:
			return
		}
		if settled && time.Since(last) > r.run.cfg.Patience {
			return
		}
	}
}

// page reads a page, waiting for it where more is to come, and acknowledges it.
func (r *mailReader) page(settled bool) (fresh int64, err error) {
	if r.unread != 0 {
		return 0, r.ack()
	}
	query := fmt.Sprintf("?after=%d&limit=%d", r.after, r.run.cfg.Page)
	if !settled || r.box.awaited() > 0 {
		query += "&wait_ms=" + strconv.FormatInt(min(mailWait, r.run.cfg.Timeout/2).Milliseconds(), 10)
	}
	start := time.Now()
	var page wire.MessagesPage
	if err := r.conn.ask("GET", r.box.path("/messages", r.run.cfg.query(query)), nil, &page); err != nil {
		return 0, err
	}
	now := time.Now()
	if fresh = r.box.arrived(r.after, &page, now); len(page.Messages) == 0 {
		return fresh, nil
	}
	r.tally.acknowledged(fresh, now.Sub(start))
	r.after, r.unread = page.Next, page.Next
	return fresh, r.ack()
}

// ack acknowledges all up to what was read last. It can be repeated.
func (r *mailReader) ack() error {
	start := time.Now()
	body := fmt.Appendf(nil, `{"up_to":%d}`, r.unread)
	var done wire.Acked
	if err := r.conn.ask("POST", r.box.path("/ack", r.run.cfg.query("")), body, &done); err != nil {
		return err
	}
	record(r.acks, time.Since(start))
	r.acked += int64(done.Acked)
	r.unread = 0
	return nil
}
