package loadgen

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// failoverCrew is who writes in one round: writers as fast as it goes, and
// keepers that hold the rest of the herd.
type failoverCrew struct {
	outage  *outage
	writers []*writer
	keepers []*keeper
}

// writer writes over one connection, the next when the one before was answered,
// with a little pause between. It belongs to one goroutine.
type writer struct {
	number  int
	conn    *conn
	outage  *outage
	path    string
	body    func(b []byte) []byte
	wrote   func(answer *written, sent time.Time)
	tally   *tally
	last    time.Time     // when the last write was acknowledged
	longest time.Duration // between two such
	renews  bool
	epoch   uint64 // of its last grant
	scratch []byte
}

// written is what the answers of a grant and of a renewal have in common.
type written struct {
	Epoch uint64 `json:"epoch"`
}

func newFailoverCrew(ctx context.Context, herd *run, t *Target) *failoverCrew {
	renewers := min(failoverRenewers, len(herd.leases))
	crew := &failoverCrew{outage: newOutage(failoverGranters + renewers)}
	for i := range renewers {
		crew.writers = append(crew.writers, crew.renewer(ctx, t, &herd.leases[i], i))
	}
	for i := range failoverGranters {
		crew.writers = append(crew.writers, crew.granter(ctx, t, herd, renewers+i))
	}
	crew.keepers = newKeepers(ctx, &herd.cfg, herdKeepers, herd.leases[renewers:])
	return crew
}

func (f *failoverCrew) writer(ctx context.Context, t *Target, number int, id, rest string) *writer {
	return &writer{
		number: number, conn: newConn(ctx, t, number), outage: f.outage, tally: newTally(),
		path: wire.PathLeases + "/" + id + rest,
	}
}

// renewer renews one lease of the herd.
func (f *failoverCrew) renewer(ctx context.Context, t *Target, l *lease, number int) *writer {
	w := f.writer(ctx, t, number, l.id, "/heartbeat")
	w.renews = true
	w.body = func(b []byte) []byte { return appendBeat(b, l) }
	w.wrote = func(_ *written, sent time.Time) { l.seq, l.renewed = l.seq+1, sent.UnixMilli() }
	return w
}

// granter registers one lease, that nobody else has, again and again.
func (f *failoverCrew) granter(ctx context.Context, t *Target, herd *run, number int) *writer {
	w := f.writer(ctx, t, number, herd.cfg.Prefix+"writer-"+strconv.Itoa(number), "")
	w.body = func(b []byte) []byte { return fmt.Appendf(b, `{"ttl_ms":%d}`, changerTTL.Milliseconds()) }
	w.wrote = func(a *written, _ time.Time) { w.epoch = a.Epoch }
	return w
}

func (f *failoverCrew) start(running *sync.WaitGroup) {
	for _, w := range f.writers {
		running.Go(w.write)
	}
	for _, k := range f.keepers {
		running.Go(k.keep)
	}
}

// writePause is between two writes of a writer, and after a failed one.
const writePause = 5 * time.Millisecond

// write writes until the run ends.
func (w *writer) write() {
	defer w.conn.close()
	for w.conn.ctx.Err() == nil {
		w.one()
		pause(w.conn.ctx, writePause)
	}
}

func (w *writer) one() {
	sent := time.Now()
	w.scratch = w.body(w.scratch[:0])
	method := "PUT"
	if w.renews {
		method = "POST"
	}
	var answer written
	if err := w.conn.ask(method, w.path, w.scratch, &answer); err != nil {
		w.tally.refused(codeOf(w.conn.ctx, err), 1)
		return
	}
	now := time.Now()
	w.wrote(&answer, sent)
	w.tally.acknowledged(1, now.Sub(sent))
	if !w.last.IsZero() {
		w.longest = max(w.longest, now.Sub(w.last))
	}
	w.last = now
	w.outage.acknowledged(w.number, sent, now)
}

// sum adds up what the crew saw; all goroutines are done.
func (f *failoverCrew) sum(r *failoverRun, one *FailoverRound) {
	for _, w := range f.writers {
		r.writes.add(w.tally)
		if w.renews {
			r.result.Renewals += w.tally.done.Load()
			one.Gap = max(one.Gap, inMS(w.longest))
		} else {
			r.result.Grants += w.tally.done.Load()
		}
	}
	for _, k := range f.keepers {
		r.writes.add(k.beats)
	}
}
