package clientsdk

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// WatchQuery says whose changes to hear of. Its zero value hears of everybody.
type WatchQuery struct {
	Service string
	ID      string
	Prefix  string   // of the id
	Tags    []string // all of them

	// After begins after a revision, and without a snapshot: the one up to which
	// an earlier watch was heard. nil begins with a snapshot.
	After *uint64

	// Bookmarks asks to be told of progress too: a Change of Type "bookmark" at
	// least every 15 s in which nothing else came. Whoever keeps a revision to
	// go on from needs it, so that it does not grow too old in quiet times.
	Bookmarks bool
}

func (q WatchQuery) values() url.Values {
	v := Query{Service: q.Service, Prefix: q.Prefix, Tags: q.Tags}.values()
	if q.ID != "" {
		v.Set("id", q.ID)
	}
	return v
}

// Change is what a watch hears: an event, or a part of a snapshot.
type Change struct {
	// Event is what happened. Of a snapshot and a bookmark only Revision and
	// Type say something.
	wire.Event

	// Leases are who is alive, in a Change of Type "snapshot", at most 1,000.
	// More says that further parts of the same snapshot follow.
	Leases []wire.Lease
	More   bool

	// Restarted says that the watch had to begin anew, for what it missed is no
	// longer kept: with this first part of a snapshot everything heard before is
	// void.
	Restarted bool
}

// Watch delivers a snapshot of who is alive, unless it is to begin after a
// revision, and then every change of them, once and in order. Where
// connections break, nodes die or fall silent for 45 s, it goes on from where
// it was with another node. Where that is too long ago it begins anew, with a
// snapshot that is marked as Restarted.
//
// It ends with a last error: the cause of ctx's end, or a definite refusal (a
// wrong field, the token). It runs on the caller's goroutine and holds one
// connection; what the caller does not take in time waits in the network, and
// a watch that fell too far behind begins anew.
func (c *Client) Watch(ctx context.Context, q WatchQuery) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		ctx, cancel := c.bound(ctx)
		defer cancel(context.Canceled)
		w := newWatcher(c, q)
		err := w.run(ctx, func(change Change) bool { return yield(change, nil) })
		if !errors.Is(err, errEnough) {
			yield(Change{}, err)
		}
	}
}

// errEnough says that the caller has left its loop.
var errEnough = errors.New("the caller wants no more")

// watcher is a watch over all its connections.
type watcher struct {
	client *Client
	query  url.Values
	ends   *rotation // its own, so that watches spread over the nodes
	marks  bool      // bookmarks are wanted

	after *uint64 // where to begin, or to go on; nil asks for a snapshot
	heard bool    // after is the revision of something that was delivered
	begun bool    // a snapshot that comes now makes something void
}

func newWatcher(c *Client, q WatchQuery) *watcher {
	return &watcher{
		client: c, query: q.values(), ends: newRotation(c.ends.list), marks: q.Bookmarks,
		after: q.After, begun: q.After != nil,
	}
}

// run follows one connection after the other.
func (w *watcher) run(ctx context.Context, yield func(Change) bool) error {
	var l lull
	for {
		if err := l.sleep(ctx, w.client.config.Retry); err != nil {
			return err
		}
		header, err := w.follow(ctx, yield)
		switch {
		case errors.Is(err, errEnough):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case IsCompacted(err):
			w.after, w.heard = nil, false
		case isDefinite(err) && (!w.begun || CodeOf(err) != ""):
			return err
		}
		l.failed(header, w.client.config.Retry)
	}
}

// follow opens one connection and delivers what it says until it breaks.
func (w *watcher) follow(ctx context.Context, yield func(Change) bool) (http.Header, error) {
	end, turn := w.ends.current()
	f, header, err := w.client.openFeed(ctx, end, w.call())
	if err == nil {
		err = w.deliver(f, yield)
		f.close()
	}
	if isFailure(err) {
		w.ends.failed(turn)
	}
	return header, err
}

func (w *watcher) call() call {
	k := call{method: http.MethodGet, path: wire.PathWatch, query: url.Values{}, header: http.Header{}}
	for name, values := range w.query {
		k.query[name] = values
	}
	switch {
	case w.after == nil:
	case w.heard:
		k.header.Set("Last-Event-ID", strconv.FormatUint(*w.after, 10))
	default:
		k.query.Set("after", strconv.FormatUint(*w.after, 10))
	}
	return k
}
