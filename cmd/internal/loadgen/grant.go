package loadgen

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// grant registers the worker's leases, each until it is granted or the run is
// called off: over its session where one was prepared, else over HTTP. A refusal
// that is not worth another try is the error.
func (w *worker) grant(p *pace) error {
	if w.session == nil {
		return w.grantHTTP(p)
	}
	w.session.work(p)
	return w.session.job.failure()
}

func (w *worker) grantHTTP(p *pace) error {
	for i := range w.leases {
		for w.leases[i].epoch == 0 {
			from, ok := p.next(w.ctx)
			if !ok {
				return nil
			}
			if err := w.grantOne(&w.leases[i], from); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *worker) grantOne(l *lease, from time.Time) error {
	w.body = w.shape.appendBody(w.body[:0], l.number)
	start := time.Now()
	status, answer, err := w.conn.exchange("PUT", w.leasePath(l.id, ""), wire.TypeJSON, w.body)
	if err != nil {
		w.failed(err, 1)
		return w.givenUp(start, err)
	}
	if status != 200 && status != 201 {
		return w.notGranted(start, problem(status, answer))
	}
	if l.epoch, err = grantedEpoch(answer); err != nil {
		return err
	}
	l.renewed = start.UnixMilli()
	w.pause, w.stuck = 0, time.Time{}
	w.tally.acknowledged(1, time.Since(from))
	return nil
}

func (w *worker) notGranted(start time.Time, p *wire.Problem) error {
	w.tally.refused(string(p.Code), 1)
	if !p.Retryable {
		return fmt.Errorf("register a lease: %w", p)
	}
	w.backOff()
	return w.givenUp(start, p)
}

// givenUp returns the failure of a grant that began at start, if nothing was
// granted for so long that another try is not worth it.
func (w *worker) givenUp(start time.Time, failure error) error {
	if w.stuck.IsZero() {
		w.stuck = start
	}
	silent := time.Since(w.stuck)
	if silent < w.cfg.Timeout || w.ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("register a lease: nothing granted for %v: %w", silent.Round(time.Millisecond), failure)
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
