package clientsdk

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// ReadOption says how a question is to be answered.
type ReadOption func(*reading)

type reading struct {
	query  url.Values
	origin *Origin
}

// Leader asks for the leader's view.
func Leader(r *reading) { r.query.Set("consistency", "leader") }

// Linearizable asks for a view that a quorum confirms after the question.
func Linearizable(r *reading) { r.query.Set("consistency", "linearizable") }

// AtLeast waits, up to 5 s, for a view that has seen the revision: to read
// one's own writes.
func AtLeast(revision uint64) ReadOption {
	return func(r *reading) { r.query.Set("min_revision", strconv.FormatUint(revision, 10)) }
}

// NotOlder refuses a view that is older than d (IsTooStale).
func NotOlder(d time.Duration) ReadOption {
	return func(r *reading) { r.query.Set("max_stale_ms", strconv.FormatInt(d.Milliseconds(), 10)) }
}

// From tells who answered, and how fresh the view was.
func From(origin *Origin) ReadOption {
	return func(r *reading) { r.origin = origin }
}

// Origin is where an answer comes from.
type Origin struct {
	Node        string
	Leader      string // as that node knows it, empty for none
	Revision    uint64
	Staleness   time.Duration // StalenessUnknown where the node cannot tell
	Consistency string
}

// StalenessUnknown is the age of a view that has heard of no leader yet.
const StalenessUnknown = time.Duration(1<<63 - 1)

func originOf(h http.Header) Origin {
	revision, _ := strconv.ParseUint(h.Get(wire.HeaderRevision), 10, 64)
	staleness, err := strconv.ParseInt(h.Get(wire.HeaderStaleness), 10, 64)
	o := Origin{
		Node: h.Get(wire.HeaderNode), Leader: h.Get(wire.HeaderLeader), Revision: revision,
		Staleness: StalenessUnknown, Consistency: h.Get(wire.HeaderConsistency),
	}
	if err == nil && staleness < wire.Unknown && staleness < int64(StalenessUnknown/time.Millisecond) {
		o.Staleness = time.Duration(staleness) * time.Millisecond
	}
	return o
}

// read asks a question and decodes the answer as a T.
func read[T any](ctx context.Context, c *Client, path string, query url.Values, how []ReadOption) (*T, error) {
	r := reading{query: query}
	for _, option := range how {
		option(&r)
	}
	out := new(T)
	_, header, err := c.send(ctx, call{method: http.MethodGet, path: path, query: query, repeat: true}, nil, out)
	if err != nil {
		return nil, err
	}
	if r.origin != nil {
		*r.origin = originOf(header)
	}
	return out, nil
}

// History returns what happened to an id, over all its epochs, newest first:
// at most limit events, 0 for 100.
func (c *Client) History(ctx context.Context, id string, limit int, how ...ReadOption) ([]wire.Event, error) {
	if id == "" {
		return nil, errNoID
	}
	query := url.Values{}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	page, err := read[wire.HistoryPage](ctx, c, leasePath(id)+"/history", query, how)
	if err != nil {
		return nil, err
	}
	return page.Events, nil
}
