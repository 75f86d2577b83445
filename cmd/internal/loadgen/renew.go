package loadgen

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// prepare connects, so that no latency is that of connecting. What is wrong
// shows in the first request.
func (w *worker) prepare(job func(*worker) sessionJob) {
	if w.cfg.Mode != ModeSession {
		_ = w.conn.ready()
		return
	}
	w.session = newSession(w, job(w))
	if w.session.ready() != nil && w.conn.nc != nil {
		w.conn.drop()
	}
}

// renew renews the worker's leases in turn until the pace ends, the run is
// called off, or none of them lives any more. The worker must be prepared.
func (w *worker) renew(p *pace) {
	defer func() { p.finish(time.Now()) }()
	if w.session != nil {
		w.session.work(p)
		return
	}
	step := w.renewOne
	if w.cfg.Mode == ModeBatch {
		step = w.renewBatch(codecOf(w.cfg.Codec))
	}
	for len(w.leases) > 0 {
		from, ok := p.next(w.ctx)
		if !ok {
			return
		}
		step(from)
	}
}

// renewOne sends one heartbeat, whose latency counts from then on.
func (w *worker) renewOne(from time.Time) {
	if w.at >= len(w.leases) {
		w.at = 0
	}
	l := &w.leases[w.at]
	w.body = appendBeat(w.body[:0], l)
	sent := time.Now()
	status, answer, err := w.conn.exchange("POST", w.leasePath(l.id, "/heartbeat"), wire.TypeJSON, w.body)
	if err != nil {
		w.failed(err, 1)
		return
	}
	took := time.Since(from)
	if status != 200 {
		w.notRenewed(problem(status, answer))
		return
	}
	l.seq++
	l.renewed = sent.UnixMilli()
	w.at++
	w.pause = 0
	renewals := int64(1)
	if bytes.Contains(answer, []byte(`"duplicate":true`)) {
		renewals = 0 // one before was committed, though its answer was lost
	}
	w.tally.acknowledged(renewals, took)
}

// notRenewed counts a refusal of the lease at w.at and forgets the lease if it
// is over.
func (w *worker) notRenewed(p *wire.Problem) {
	w.tally.refused(string(p.Code), 1)
	if over(p.Code) {
		w.forget(w.at)
		return
	}
	if p.CurrentSeq != nil {
		w.leases[w.at].seq = *p.CurrentSeq
		return
	}
	w.backOff()
}

// forget drops a lease that ended; the last one takes its place.
func (w *worker) forget(i int) {
	if w.leases[i].overdue(w.cfg.TTL, time.Now()) {
		w.tally.late++
	}
	last := len(w.leases) - 1
	w.leases[i] = w.leases[last]
	w.leases = w.leases[:last]
	w.tally.lost++
}

// renewBatch returns the step of batch mode: one request for the next leases.
func (w *worker) renewBatch(c codec) func(time.Time) {
	path := []byte(wire.PathHeartbeats + w.query)
	return func(from time.Time) {
		window := w.window()
		w.body = c.encode(w.body[:0], window)
		status, answer, err := w.conn.exchange("POST", path, c.mediaType, w.body)
		if err != nil {
			w.failed(err, int64(len(window)))
			return
		}
		took := time.Since(from)
		if status != 200 {
			w.tally.refused(string(problem(status, answer).Code), int64(len(window)))
			w.backOff()
			return
		}
		w.renewed(window, answer, took)
	}
}

// window returns the leases of the next batch. Every batch is full as long as
// the leases suffice: the last of a round begins earlier rather than being
// shorter.
func (w *worker) window() []lease {
	size := min(w.cfg.Batch, len(w.leases))
	if w.at >= len(w.leases) {
		w.at = 0
	}
	w.at = min(w.at, len(w.leases)-size)
	window := w.leases[w.at : w.at+size]
	w.at += size
	return window
}

func (w *worker) renewed(window []lease, answer []byte, took time.Duration) {
	var result wire.HeartbeatsResult
	if err := json.Unmarshal(answer, &result); err != nil {
		w.tally.refused(codeMalformed, int64(len(window)))
		return
	}
	w.pause = 0
	w.tally.acknowledged(int64(result.Accepted), took)
	for i := range window {
		window[i].seq++
	}
	w.rejected(result.Rejected)
}

// rejected counts the beats that were refused and forgets the leases that are
// over.
func (w *worker) rejected(beats []wire.RejectedBeat) {
	if len(beats) == 0 {
		return
	}
	gone := make(map[uint64]bool, len(beats))
	for _, b := range beats {
		w.tally.rejected(string(b.Code), 1)
		gone[b.Epoch] = over(b.Code)
	}
	for i := len(w.leases) - 1; i >= 0; i-- {
		if gone[w.leases[i].epoch] {
			w.forget(i)
		}
	}
}
