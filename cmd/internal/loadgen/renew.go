package loadgen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// renew renews the worker's leases in turn until the time has come, the run is
// called off, or none of them lives any more.
func (w *worker) renew(until time.Time) {
	if w.cfg.Mode == ModeSession {
		newSession(w).renew(until)
		return
	}
	step := w.renewOne
	if w.cfg.Mode == ModeBatch {
		step = w.renewBatch(codecOf(w.cfg.Codec))
	}
	_ = w.conn.ready() // so that the first latency is not that of connecting; what is wrong shows in the first exchange
	for now := time.Now(); now.Before(until) && w.ctx.Err() == nil && len(w.leases) > 0; {
		now = step(now)
	}
}

// renewOne sends one heartbeat and returns when it was answered.
func (w *worker) renewOne(start time.Time) time.Time {
	if w.at >= len(w.leases) {
		w.at = 0
	}
	l := &w.leases[w.at]
	w.body = appendBeat(w.body[:0], l)
	status, answer, err := w.conn.exchange("POST", w.leasePath(l.id, "/heartbeat"), wire.TypeJSON, w.body)
	if err != nil {
		w.failed(err, 1)
		return time.Now()
	}
	now := time.Now()
	if status != 200 {
		w.notRenewed(problem(status, answer))
		return time.Now()
	}
	l.seq++
	w.at++
	w.pause = 0
	renewals := int64(1)
	if bytes.Contains(answer, []byte(`"duplicate":true`)) {
		renewals = 0 // one before was committed, though its answer was lost
	}
	w.tally.acknowledged(renewals, now.Sub(start))
	return now
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
	last := len(w.leases) - 1
	w.leases[i] = w.leases[last]
	w.leases = w.leases[:last]
	w.tally.lost++
}

// renewBatch returns the step of batch mode: one request for the next leases.
func (w *worker) renewBatch(c codec) func(time.Time) time.Time {
	path := []byte(wire.PathHeartbeats + w.query)
	return func(start time.Time) time.Time {
		window := w.window()
		w.body = c.encode(w.body[:0], window)
		status, answer, err := w.conn.exchange("POST", path, c.mediaType, w.body)
		if err != nil {
			w.failed(err, int64(len(window)))
			return time.Now()
		}
		now := time.Now()
		if status != 200 {
			w.tally.refused(string(problem(status, answer).Code), int64(len(window)))
			w.backOff()
			return time.Now()
		}
		w.renewed(window, answer, now.Sub(start))
		return now
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
		w.tally.refused(string(b.Code), 1)
		gone[b.Epoch] = over(b.Code)
	}
	for i := len(w.leases) - 1; i >= 0; i-- {
		if gone[w.leases[i].epoch] {
			w.forget(i)
		}
	}
}

func grantedEpoch(answer []byte) (uint64, error) {
	var g wire.Grant
	if err := json.Unmarshal(answer, &g); err != nil {
		return 0, fmt.Errorf("read grant: %w", err)
	}
	if g.Epoch == 0 {
		return 0, fmt.Errorf("read grant: no epoch in %q", answer[:min(len(answer), 200)])
	}
	return g.Epoch, nil
}
