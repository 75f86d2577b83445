package loadgen

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// mailRun is one run of mail.
type mailRun struct {
	cfg     MailConfig
	boxes   []*postbox
	senders []*mailSender
	readers []*mailReader

	tickets atomic.Int64  // messages that were begun
	sent    chan struct{} // closed when nothing more is sent

	stop context.CancelCauseFunc // ends the run, for a refusal that no repetition would change
	took struct{ send, read, all time.Duration }
}

// RunMail sends mail, reads it, and returns how long that took and whether it
// all arrived as it was sent. When ctx ends it returns what was measured until
// then. An error is a configuration that is wrong (ErrConfig) or a refusal that
// no repetition would change.
func RunMail(ctx context.Context, cfg MailConfig) (*MailResult, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := newMailRun(within, cfg)
	r.stop = stop
	meter := startMeter(within, &r.cfg.Target)
	r.drive()
	result := r.result()
	result.Usage = meter.stop(result.Sent)
	if within.Err() != nil {
		result.Lost = 0 // was not waited for
	}
	if result.Interrupted = ctx.Err() != nil; result.Interrupted {
		return result, nil
	}
	return result, context.Cause(within)
}

func newMailRun(ctx context.Context, cfg MailConfig) *mailRun {
	r := &mailRun{cfg: cfg, sent: make(chan struct{})}
	letters := newLetters(cfg.Body)
	for i := range cfg.Mailboxes {
		box := newPostbox(i, cfg.Prefix+strconv.Itoa(i), letters)
		r.boxes = append(r.boxes, box)
		r.readers = append(r.readers, &mailReader{
			run: r, ctx: ctx, conn: newConn(ctx, &r.cfg.Target, i), box: box, tally: newTally(), acks: newHistogram(),
		})
	}
	for i := range min(cfg.Senders, cfg.Messages) {
		r.senders = append(r.senders, &mailSender{run: r, ctx: ctx, conn: newConn(ctx, &r.cfg.Target, i), tally: newTally()})
	}
	return r
}

// drive sends and reads, one after the other or together.
func (r *mailRun) drive() {
	var readers sync.WaitGroup
	started := time.Now()
	if r.cfg.Together {
		r.startReaders(&readers)
	}
	during(r.cfg.Watch, Progress{Phase: PhaseSend, Total: int64(r.cfg.Messages)}, r.sendCounts, r.send)
	close(r.sent)
	r.took.send = time.Since(started)
	reading := started
	if !r.cfg.Together {
		reading = time.Now()
		r.startReaders(&readers)
	}
	total, _ := r.sendCounts()
	during(r.cfg.Watch, Progress{Phase: PhaseRead, Total: total}, r.readCounts, readers.Wait)
	r.took.read, r.took.all = time.Since(reading), time.Since(started)
}

func (r *mailRun) startReaders(readers *sync.WaitGroup) {
	for _, reader := range r.readers {
		readers.Go(reader.read)
	}
}

func (r *mailRun) send() {
	var senders sync.WaitGroup
	for _, s := range r.senders {
		senders.Go(s.send)
	}
	senders.Wait()
}

// ticket returns where the next message goes, if there is one.
func (r *mailRun) ticket() (*postbox, bool) {
	n := r.tickets.Add(1) - 1
	if n >= int64(r.cfg.Messages) {
		return nil, false
	}
	return r.boxes[n%int64(len(r.boxes))], true
}

func (r *mailRun) allSent() bool {
	select {
	case <-r.sent:
		return true
	default:
		return false
	}
}

func (r *mailRun) sendCounts() (done, failed int64) {
	for _, s := range r.senders {
		done += s.tally.done.Load()
		failed += s.tally.failed.Load()
	}
	return done, failed
}

func (r *mailRun) readCounts() (done, failed int64) {
	for _, reader := range r.readers {
		done += reader.tally.done.Load()
		failed += reader.tally.failed.Load()
	}
	return done, failed
}

// result adds up what was counted; all goroutines are done.
func (r *mailRun) result() *MailResult {
	sends, pages, acks, deliveries := newTally(), newTally(), newHistogram(), newHistogram()
	out := &MailResult{
		Mode: "mail", Seconds: r.took.all.Seconds(), Senders: len(r.senders), Mailboxes: len(r.boxes), BodyBytes: r.cfg.Body,
		Together: r.cfg.Together, Endpoints: r.cfg.Endpoints,
	}
	for _, s := range r.senders {
		sends.add(s.tally)
		out.Unsettled += s.unsettled
	}
	for i, reader := range r.readers {
		pages.add(reader.tally)
		acks.Merge(reader.acks)
		deliveries.Merge(r.boxes[i].latency)
		out.Acked += reader.acked
		out.Findings.add(r.boxes[i].sum())
	}
	out.Sent, out.SentPerS, out.SendMS = sends.done.Load(), perSecond(sends.done.Load(), r.took.send), latencyOf(sends.latency)
	out.Delivered, out.DeliveredPerS = pages.done.Load(), perSecond(pages.done.Load(), r.took.read)
	out.ReadMS, out.AckMS, out.DeliveryMS = latencyOf(pages.latency), latencyOf(acks), latencyOf(deliveries)
	sends.add(pages)
	out.Errors, out.ErrorCodes = sends.failed.Load(), sends.errors
	return out
}
