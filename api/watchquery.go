package api

import (
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

const headerLastEventID = "Last-Event-Id"

// watchQuery is a decoded GET /v1/watch.
type watchQuery struct {
	watch.Filter
	after    uint64
	snapshot bool // no revision was named
	wait     time.Duration
}

func (r *request) watchQuery() (q watchQuery, err error) {
	q.NS = r.ns
	if q.Service, err = r.query.text(paramService, isService); err != nil {
		return q, err
	}
	if q.ID, err = r.query.text(paramID, isID); err != nil {
		return q, err
	}
	if q.Prefix, err = r.query.text(paramPrefix, isPrefix); err != nil {
		return q, err
	}
	if q.Tags, err = r.query.tags(); err != nil {
		return q, err
	}
	waitMS, err := r.query.integer(paramWait, 0, uint64(wire.MaxWait.Milliseconds()), uint64(wire.DefaultWait.Milliseconds()))
	if err != nil {
		return q, err
	}
	q.wait = time.Duration(waitMS) * time.Millisecond
	return q, r.watchAfter(&q)
}

// watchAfter finds out from where a watch goes on: Last-Event-ID, which a
// browser sends when it connects again, wins over after.
func (r *request) watchAfter(q *watchQuery) (err error) {
	if q.after, err = r.query.integer(paramAfter, 0, wire.Unknown, 0); err != nil {
		return err
	}
	_, named := r.query.get(paramAfter)
	last := r.http.Header.Values(headerLastEventID)
	if len(last) == 0 || len(last) == 1 && last[0] == "" {
		q.snapshot = !named
		return nil
	}
	q.after, err = strconv.ParseUint(last[0], 10, 64)
	if err != nil || len(last) > 1 || q.after > wire.Unknown {
		return invalid("Last-Event-ID", "Last-Event-ID: want it once, an integer from 0 to %d", wire.Unknown)
	}
	return nil
}
