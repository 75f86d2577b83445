package clientsdk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// deliver hands out what one connection says. It returns errEnough, or how the
// connection ended.
func (w *watcher) deliver(f *feed, yield func(Change) bool) error {
	first := true // the next snapshot's part is its first
	for {
		got, err := f.next()
		if err != nil {
			return err
		}
		change, err := changeOf(got)
		if err != nil {
			return &NoAnswerError{Endpoint: f.end.Host, Err: err}
		}
		if w.stale(&change) {
			continue
		}
		if change.Type == wire.EventSnapshot {
			change.Restarted, first = first && w.begun, false
		}
		w.note(&change)
		if (w.marks || change.Type != wire.EventBookmark) && !yield(change) {
			return errEnough
		}
	}
}

// stale says that the change was delivered before, or lies before where the
// watch is to begin. No node sends such a one; to pass it on would break what
// Watch promises.
func (w *watcher) stale(c *Change) bool {
	switch {
	case w.after == nil || c.Type == wire.EventSnapshot:
		return false
	case c.Type == wire.EventBookmark:
		return c.Revision < *w.after
	}
	return c.Revision <= *w.after
}

// note moves the position on. The parts of a snapshot but its last have none:
// whoever misses the rest needs another snapshot.
func (w *watcher) note(c *Change) {
	w.begun = w.begun || c.Type != wire.EventBookmark
	w.after, w.heard = nil, false
	if !c.More {
		w.after, w.heard = new(c.Revision), true
	}
}

// changeOf reads an event. A type that is not known is taken for one of a
// lease.
func changeOf(f frame) (Change, error) {
	var change Change
	var err error
	if f.event == wire.EventSnapshot {
		var s wire.Snapshot
		err = json.Unmarshal(f.data, &s)
		change.Revision, change.Leases, change.More = s.Revision, s.Leases, s.More
	} else {
		err = json.Unmarshal(f.data, &change.Event)
	}
	if err != nil {
		return Change{}, fmt.Errorf("not an event of rollcall's: %w", err)
	}
	change.Type = f.event
	return change, nil
}

// lull is the pause between the connections of something that lasts: longer
// with every one that did not.
type lull struct {
	n     int
	began time.Time
	asked time.Duration // by the node
}

// sleep waits before the next connection; before the first it does not.
func (l *lull) sleep(ctx context.Context, retry Retry) error {
	err := sleep(ctx, max(retry.pause(l.n), l.asked))
	l.began = time.Now()
	return err
}

// failed counts a connection that ended. One that held longer than the longest
// pause forgives those before it.
func (l *lull) failed(h http.Header, retry Retry) {
	if time.Since(l.began) > retry.Max {
		l.n = 0
	}
	l.n++
	l.asked = retry.asked(h)
}
