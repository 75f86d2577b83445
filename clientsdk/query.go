package clientsdk

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Query says whom to list. Its zero value lists everybody who is alive,
// draining or held.
type Query struct {
	Service string
	Tags    []string          // all of them
	Meta    map[string]string // all of them
	Prefix  string            // of the id
	State   string            // "alive", "draining" or "held"
	Fields  []string          // of each lease; none: all
	Limit   int               // leases a page, at most 1000; 0: 100
	Cursor  string            // NextCursor of the page before

	// At or AtRevision asks who was listed then, as of the last revision
	// stamped at or before; beyond the kept history it is IsCompacted. Such
	// leases have no seq, timing and round trips.
	At         time.Time
	AtRevision uint64
}

func (q Query) values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("service", q.Service)
	set("prefix", q.Prefix)
	set("state", q.State)
	set("fields", strings.Join(q.Fields, ","))
	set("cursor", q.Cursor)
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if !q.At.IsZero() {
		v.Set("at", q.At.UTC().Format(time.RFC3339Nano))
	}
	if q.AtRevision > 0 {
		v.Set("at_revision", strconv.FormatUint(q.AtRevision, 10))
	}
	for _, tag := range q.Tags {
		v.Add("tag", tag)
	}
	for name, value := range q.Meta {
		v.Set("meta."+name, value)
	}
	return v
}

// Alive returns one page of who is alive, sorted by id.
func (c *Client) Alive(ctx context.Context, q Query, how ...ReadOption) (*wire.AlivePage, error) {
	return read[wire.AlivePage](ctx, c, wire.PathAlive, q.values(), how)
}

// AliveAll runs through all pages, by id. An id that is alive throughout comes
// exactly once. It ends with the first error.
func (c *Client) AliveAll(ctx context.Context, q Query, how ...ReadOption) iter.Seq2[wire.Lease, error] {
	if q.Limit == 0 {
		q.Limit = wire.MaxLimit
	}
	return pages(q.Cursor, func(cursor string) ([]wire.Lease, string, error) {
		q.Cursor = cursor
		page, err := c.Alive(ctx, q, how...)
		if err != nil {
			return nil, "", err
		}
		return page.Alive, page.NextCursor, nil
	})
}

// Services counts who is alive in each service, over all pages.
func (c *Client) Services(ctx context.Context, how ...ReadOption) ([]wire.Service, error) {
	next := func(cursor string) ([]wire.Service, string, error) {
		query := url.Values{"limit": {strconv.Itoa(wire.MaxLimit)}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		page, err := read[wire.ServicesPage](ctx, c, wire.PathServices, query, how)
		if err != nil {
			return nil, "", err
		}
		return page.Services, page.NextCursor, nil
	}
	var all []wire.Service
	for service, err := range pages("", next) {
		if err != nil {
			return nil, err
		}
		all = append(all, service)
	}
	return all, nil
}

// Lease returns one lease: live, or gone with its certificate while that is
// kept.
func (c *Client) Lease(ctx context.Context, id string, how ...ReadOption) (*wire.Lease, error) {
	if id == "" {
		return nil, errNoID
	}
	return read[wire.Lease](ctx, c, leasePath(id), url.Values{}, how)
}

// pages yields the items of one page after the other.
func pages[T any](cursor string, next func(cursor string) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			items, following, err := next(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if cursor = following; cursor == "" {
				return
			}
		}
	}
}
