package loadgen

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const (
	flapTTL      = time.Second
	flapBeats    = 3                // renewals before each silence
	flapPatience = 10 * time.Second // after its TTL, until it has to be buried
	flapPoll     = 100 * time.Millisecond
)

// flapCounts are those of all flappers.
type flapCounts struct{ flaps, early, unburied atomic.Int64 }

// flapper holds a lease, falls silent until it is buried, and comes back. It
// belongs to one goroutine; only counters are read by others.
type flapper struct {
	conn   *conn
	target *Target
	lease  lease
	grant  []byte
	counts *flapCounts
	tally  *tally
	pause  time.Duration
	body   []byte
	sent   time.Time // before the last renewal that was acknowledged, or its grant
}

func newFlapper(ctx context.Context, t *Target, number int, service string, counts *flapCounts) *flapper {
	s := shape{service: service, ttl: flapTTL}
	return &flapper{
		conn: newConn(ctx, t, number), target: t, lease: lease{id: t.Prefix + "flap-" + strconv.Itoa(number)},
		grant: s.appendBody(nil, number), counts: counts, tally: newTally(),
	}
}

// flap comes and goes until the run ends.
func (f *flapper) flap() {
	defer f.conn.close()
	for f.conn.ctx.Err() == nil {
		if f.come() {
			f.vanish()
		}
	}
}

func (f *flapper) path(rest string) string {
	return wire.PathLeases + "/" + f.lease.id + rest
}

// come registers the lease and renews it a few times; false when it was not
// had, or was lost.
func (f *flapper) come() bool {
	var g wire.Grant
	sent := time.Now()
	if err := f.conn.ask("PUT", f.path(f.target.query("")), f.grant, &g); err != nil {
		f.failed(err)
		return false
	}
	f.lease.epoch, f.lease.seq, f.sent, f.pause = g.Epoch, 0, sent, 0
	for range flapBeats {
		pause(f.conn.ctx, flapTTL/renewalsPerTTL)
		if f.conn.ctx.Err() != nil || !f.renew() {
			return false
		}
	}
	return true
}

func (f *flapper) renew() bool {
	f.body = appendBeat(f.body[:0], &f.lease)
	var r wire.Renewed
	sent := time.Now()
	err := f.conn.ask("POST", f.path("/heartbeat"+f.target.query("")), f.body, &r)
	if err == nil {
		f.lease.seq++
		f.sent = sent
		return true
	}
	if over(wire.Code(codeOf(f.conn.ctx, err))) && time.Since(f.sent) < flapTTL {
		f.counts.early.Add(1)
	}
	f.failed(err)
	return false
}

// vanish is silent until the lease is buried, or held, or patience ends.
func (f *flapper) vanish() {
	for limit := f.sent.Add(flapTTL + flapPatience); f.conn.ctx.Err() == nil; pause(f.conn.ctx, flapPoll) {
		var l wire.Lease
		if err := f.conn.ask("GET", f.path(f.target.query("?consistency="+readLeader)), nil, &l); err != nil {
			f.failed(err)
			continue
		}
		switch {
		case l.Certificate != nil && time.Since(f.sent) < flapTTL:
			f.counts.early.Add(1)
			return
		case l.Certificate != nil:
			f.counts.flaps.Add(1)
			return
		case l.State == "held":
			return
		case time.Now().After(limit):
			f.counts.unburied.Add(1)
			return
		}
	}
}

// failed counts a request without an answer, and waits.
func (f *flapper) failed(err error) {
	f.tally.refused(codeOf(f.conn.ctx, err), 1)
	f.pause = backOff(f.conn.ctx, f.pause)
}
