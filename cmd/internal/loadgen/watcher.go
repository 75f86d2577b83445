package loadgen

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// eventBuffer holds any event of a lease of ours, which takes about 600 bytes.
const eventBuffer = 8 << 10

// watcher is one watch, over as many connections as it takes. It belongs to one
// goroutine; only the counters are read by others.
type watcher struct {
	conn   *conn
	path   string
	note   func(e heard, data []byte, at time.Time) // of every event once; data is empty unless it is kept
	keep   bool                                     // the data
	last   uint64                                   // the revision that it has heard up to
	placed bool                                     // last says something
	pause  time.Duration
	counts *watchCounts
}

// watchCounts are those of all watchers.
type watchCounts struct {
	ready      atomic.Int64 // watchers that were opened
	disordered atomic.Int64 // events that were not beyond the one before
	broken     atomic.Int64 // streams that ended under the run, or were not had
	anew       atomic.Int64 // watches that had to begin anew
}

func newWatcher(ctx context.Context, t *Target, number int, service string, a *arrivals, counts *watchCounts) *watcher {
	w := newWatch(ctx, t, number, service, counts)
	w.note = func(e heard, _ []byte, at time.Time) { a.note(e.revision, at) }
	return w
}

// newWatch prepares a watch of a service; what it hears is noted by note, which
// is to be set.
func newWatch(ctx context.Context, t *Target, number int, service string, counts *watchCounts) *watcher {
	w := &watcher{conn: newConn(ctx, t, number), counts: counts}
	w.conn.buffer, w.conn.hurry = streamBuffer, 0
	w.path = wire.PathWatch + t.query("?service="+service)
	return w
}

// after makes it hear what comes after a revision, and look at it: there is
// room for the event of any lease that the driver makes.
func (w *watcher) after(revision uint64) {
	w.last, w.placed, w.keep = revision, true, true
	w.conn.buffer = eventBuffer
}

// run watches until the run ends. It tells when it heard for the first time,
// and of every stream that ended.
func (w *watcher) run(opened func(), ended func(error)) {
	defer w.conn.close()
	opened = w.once(opened)
	for w.conn.ctx.Err() == nil {
		err := w.follow(opened)
		if w.conn.ctx.Err() != nil {
			return
		}
		ended(err)
		w.turn(err)
		w.pause = backOff(w.conn.ctx, w.pause)
	}
}

func (w *watcher) once(opened func()) func() {
	told := false
	return func() {
		if w.placed && !told {
			told = true
			w.counts.ready.Add(1)
			opened()
		}
	}
}

// turn makes the next stream begin where this one ended, or anew if that is
// not kept, with another node.
func (w *watcher) turn(err error) {
	w.counts.broken.Add(1)
	var p *wire.Problem
	if errors.As(err, &p) && p.Code == wire.CodeCompacted {
		w.counts.anew.Add(1)
		w.last, w.placed = 0, false
	}
	if w.conn.nc != nil { // else it has turned already
		w.conn.drop()
	}
}

// follow hears one stream to its end.
func (w *watcher) follow(opened func()) error {
	lastID := ""
	if w.placed {
		lastID = strconv.FormatUint(w.last, 10)
	}
	s, err := openStream(w.conn, w.path, lastID)
	if err != nil {
		return err
	}
	s.keep = w.keep
	opened()
	for {
		e, err := s.next()
		if err != nil {
			return err
		}
		if e.kind == heardError {
			return &wire.Problem{Code: wire.CodeCompacted} // nothing else ends a stream with a word
		}
		w.pause = 0
		w.hear(e, s.data)
		opened()
	}
}

// hear notes what came. The parts of a snapshot but its last have no place.
func (w *watcher) hear(e heard, data []byte) {
	switch {
	case !e.placed:
		return
	case e.kind == heardEvent && w.placed && e.revision <= w.last:
		w.counts.disordered.Add(1)
	case e.kind == heardEvent:
		w.note(e, data, time.Now())
	}
	w.last, w.placed = max(w.last, e.revision), true
}
