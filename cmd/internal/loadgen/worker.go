package loadgen

import (
	"context"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Bounds of a worker's wait after a failure; it doubles in between.
const (
	firstPause = 10 * time.Millisecond
	maxPause   = time.Second
	hopeless   = 300 * time.Millisecond // the sixth: cleaning up ends
)

// worker drives one connection with leases of its own. It belongs to one
// goroutine at a time; only its tally's counters are read by others.
type worker struct {
	cfg     *Config
	shape   *shape
	ctx     context.Context // of the run
	number  int             // from 0
	conn    *conn
	session *session // nil unless prepared in session mode
	tally   *tally
	leases  []lease
	at      int // where the next round goes on
	pause   time.Duration
	stuck   time.Time // the first failed grant since the last one that was granted

	query string // what every path ends in
	path  []byte // reused, as is body
	body  []byte
}

func newWorker(ctx context.Context, cfg *Config, number int, leases []lease) *worker {
	target := cfg.target()
	w := &worker{
		cfg: cfg, shape: cfg.shape(), ctx: ctx, number: number, conn: newConn(ctx, &target, number), tally: newTally(), leases: leases,
	}
	if cfg.NS != wire.DefaultNS {
		w.query = "?ns=" + cfg.NS
	}
	return w
}

// leasePath sets the path to that of one lease.
func (w *worker) leasePath(id, rest string) []byte {
	w.path = append(w.path[:0], wire.PathLeases...)
	w.path = append(w.path, '/')
	w.path = append(w.path, id...)
	w.path = append(w.path, rest...)
	w.path = append(w.path, w.query...)
	return w.path
}

// failed counts a request that was refused or not answered, and waits.
func (w *worker) failed(err error, n int64) {
	w.tally.refused(codeOf(w.ctx, err), n)
	w.backOff()
}

// backOff waits longer after each failure in a row, or until the run ends.
func (w *worker) backOff() { w.pause = backOff(w.ctx, w.pause) }

// backOff waits longer than the last time, or until ctx ends, and returns how
// long it meant to.
func backOff(ctx context.Context, last time.Duration) time.Duration {
	next := min(max(2*last, firstPause), maxPause)
	pause(ctx, next)
	return next
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// end takes the worker's leases away again and returns how many it had to leave
// behind.
func (w *worker) end() (left int) {
	for i := range w.leases {
		l := &w.leases[i]
		if l.epoch == 0 {
			continue
		}
		if w.ctx.Err() != nil || w.pause >= hopeless || !w.endOne(l) {
			left++
		}
	}
	return left
}

func (w *worker) endOne(l *lease) bool {
	rest := "?epoch=" + strconv.FormatUint(l.epoch, 10)
	if w.query != "" {
		rest += "&" + w.query[1:]
	}
	w.path = append(w.path[:0], wire.PathLeases+"/"+l.id+rest...)
	start := time.Now()
	status, answer, err := w.conn.exchange("DELETE", w.path, "", nil)
	switch {
	case err != nil:
		w.failed(err, 1)
		return false
	case status == 200:
		w.tally.acknowledged(1, time.Since(start))
		w.pause = 0
		return true
	default:
		return over(problem(status, answer).Code)
	}
}
