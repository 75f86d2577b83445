package api

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// sessionWatch is one watch of a session. The writer alone uses it, but for
// opening and closing the subscription.
type sessionWatch struct {
	rid      rid
	sub      *watch.Subscription
	snapshot *snapshot // nil when it was sent, or a revision was named
	queued   bool      // among the writer's visits
	quiet    bool      // nothing was pushed since the last ping: a bookmark is due
	busy     bool      // something was pushed since the last ping
	closed   bool      // by unwatch; the session's lock guards it
}

// eventsAtOnce is how many events of a watch are taken in one step.
const eventsAtOnce = 64

// watch opens a watch, which lives on under the rid of its request.
func (c *session) watch(_ context.Context, q *call, f *fields) (any, func(), error) {
	filter, after, named := f.watch(q.ns)
	if err := f.done(); err != nil {
		return nil, nil, err
	}
	if err := c.server.reach(after); err != nil {
		return nil, nil, err
	}
	w := &sessionWatch{rid: q.rid}
	if !named {
		w.snapshot = c.server.beginSnapshot(filter)
		after = w.snapshot.revision
	}
	var err error
	if w.sub, err = c.server.node.Hub().SubscribeOn(c.newsOf(), filter, after); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrOverloaded, err)
	}
	if err := c.beginWatch(w); err != nil {
		w.sub.Close()
		return nil, nil, err
	}
	return watchOpened{after}, func() { c.startWatch(w) }, nil
}

// watch takes the members of a watch; named tells whether it names a revision.
func (f *fields) watch(ns string) (filter watch.Filter, after uint64, named bool) {
	filter.NS = ns
	filter.Service, _ = f.text("service", isService)
	filter.ID, _ = f.text("id", isID)
	filter.Prefix, _ = f.text("prefix", isPrefix)
	filter.Tags, _ = f.tagFilter()
	after, named = f.integer("after", 0, wire.Unknown)
	return filter, after, named
}

// tagFilter takes one tag, or a list of them.
func (f *fields) tagFilter() ([]string, bool) {
	for i := f.taken; i < len(f.members); i++ {
		if m := &f.members[i]; m.name == "tag" && m.value.kind == kindText {
			m.value = value{kind: kindList, list: []value{m.value}}
		}
	}
	return f.tagList("tag")
}

// reach waits until this node has applied a revision.
func (s *Server) reach(revision uint64) error {
	if revision == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), wire.MaxMinRevWait)
	defer cancel()
	if err := s.node.AwaitRevision(ctx, revision); err != nil {
		return fmt.Errorf("%w: revision %d is not here after %v", ErrTooStale, revision, wire.MaxMinRevWait)
	}
	return nil
}

// beginSnapshot begins a snapshot at the revision that the replica has now,
// without a part of it.
func (s *Server) beginSnapshot(f watch.Filter) *snapshot {
	sn := &snapshot{server: s, filter: f}
	s.node.View(func(r *registry.Replica, _ time.Duration) { sn.revision = r.Revision() })
	return sn
}

// beginWatch refuses what is compacted already, as the endpoint does, and takes
// a place for a watch.
func (c *session) beginWatch(w *sessionWatch) error {
	if err := w.sub.Begin(); err != nil {
		return err
	}
	return c.addWatch(w)
}

// addWatch takes a place for a watch.
func (c *session) addWatch(w *sessionWatch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending != nil {
		return fmt.Errorf("%w: the session ends", ErrOverloaded)
	}
	if len(c.watches) >= wire.MaxSessionWatches {
		return fmt.Errorf("%w: a session has %d watches at most", ErrOverloaded, wire.MaxSessionWatches)
	}
	w.closed = true // until its answer waits to be written
	c.watches = append(c.watches, w)
	c.server.metrics.watches.Inc()
	return nil
}

// newsOf returns the channel of the session's watches.
func (c *session) newsOf() chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.news == nil {
		c.news = make(chan struct{}, 1)
	}
	return c.news
}

// startWatch begins to push.
func (c *session) startWatch(w *sessionWatch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.closed = false
	signal(c.news)
	signal(c.wake) // the writer may not know of news yet
}

// unwatch ends a watch.
func (c *session) unwatch(_ context.Context, _ *call, f *fields) (any, func(), error) {
	r, _ := f.rid("watch")
	if err := f.done(); err != nil {
		return nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.watches {
		if w.rid == r && !w.closed {
			c.dropWatch(w)
			return emptyAnswer{}, nil, nil
		}
	}
	return nil, nil, invalid("watch", "watch: no watch of that rid is open")
}

// dropWatch closes a watch and frees its rid. The caller holds the lock.
func (c *session) dropWatch(w *sessionWatch) {
	for i, other := range c.watches {
		if other == w {
			c.watches = append(c.watches[:i], c.watches[i+1:]...)
			w.closed = true
			w.sub.Close()
			c.calls.release(w.rid)
			c.server.metrics.watches.Dec()
			return
		}
	}
}

// visit notes that watches may have something. With tick, those that were quiet
// since the last one get a bookmark.
func (w *writer) visit(tick bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.watches {
		if one.closed {
			continue
		}
		if tick {
			one.quiet, one.busy = !one.busy, false
		}
		if !one.queued {
			one.queued = true
			w.visits = append(w.visits, one)
		}
	}
}

// pushEvents appends events while there is room, some of each watch in turn.
func (w *writer) pushEvents(b []byte) (_ []byte, count int) {
	for len(w.visits) > 0 {
		if len(b) >= pushRoom {
			w.more = true
			return b, count
		}
		one := w.visits[0]
		w.visits = w.visits[1:]
		one.queued = false
		n := 0
		b, n = w.pushWatch(b, one)
		count += n
	}
	w.visits = nil
	return b, count
}

// pushWatch appends some of one watch; its subscription tells when there is more.
func (w *writer) pushWatch(b []byte, one *sessionWatch) ([]byte, int) {
	w.mu.Lock()
	closed := one.closed
	w.mu.Unlock()
	if closed {
		return b, 0
	}
	if one.snapshot != nil {
		return w.pushSnapshot(b, one)
	}
	events, upTo, err := one.sub.Next(eventsAtOnce)
	if err != nil {
		return w.endWatch(b, one, err)
	}
	for i := range events {
		if e := &events[i]; w.format == jsonFrames {
			b = appendJSONEvent(b, one.rid, e.Raw)
		} else {
			b = w.event(b, one.rid, showWatched(e))
		}
	}
	count := len(events)
	if count > 0 {
		w.server.metrics.events.Add(float64(count))
		one.busy = true
	} else if one.quiet {
		b = w.event(b, one.rid, wire.Bookmark{Revision: upTo, Type: wire.EventBookmark})
		count = 1
	}
	one.quiet = false
	return b, count
}

// pushSnapshot appends one part.
func (w *writer) pushSnapshot(b []byte, one *sessionWatch) ([]byte, int) {
	part, err := one.snapshot.next()
	if err != nil {
		return w.endWatch(b, one, err)
	}
	if !part.More {
		one.snapshot = nil
	}
	one.busy = true
	signal(w.newsOf()) // for the next part, or what came since
	return w.event(b, one.rid, part), 1
}

// event appends an event frame.
func (w *writer) event(b []byte, r rid, body any) []byte {
	raw, err := w.format.encode(body)
	if err == nil {
		b = w.format.event(b, r, trimLine(raw))
	} else {
		w.end(w.broke(err))
	}
	return b
}

// endWatch tells the client that a watch cannot go on, and why.
func (w *writer) endWatch(b []byte, one *sessionWatch, err error) ([]byte, int) {
	payload, failed := w.encode(wire.OpError, one.rid, w.problem(err, wire.OpWatch))
	if failed != nil {
		w.end(w.broke(failed))
		return b, 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if one.closed {
		return b, 0 // by unwatch, meanwhile
	}
	if _, ok := asCompacted(err); ok {
		w.server.metrics.compacted.Inc()
	}
	w.dropWatch(one)
	return appendFrame(b, w.format.opcode, payload), 1
}
