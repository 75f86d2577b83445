//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/history"
)

// silentTTL is that of leases that nobody renews.
const silentTTL = 5 * time.Second

// replayEvery is how often an old beat of a silent lease is sent again.
const replayEvery = 500 * time.Millisecond

// silents are leases whose holders fall silent, some after a renewal that
// somebody replays: that never extends them.
type silents struct {
	fleet *fleet

	mu   sync.Mutex // guards what follows
	open []*silence // whose end was not judged yet
}

// silence is one lease that is to end.
type silence struct {
	id     string
	epoch  uint64
	seq    uint64
	before time.Time // the last renewal, or the grant, was not sent before
	after  time.Time // it was acknowledged then
}

func (s *silents) run(ctx context.Context) {
	var lives sync.WaitGroup
	defer lives.Wait()
	for n := 0; ctx.Err() == nil; n++ {
		lives.Go(func() { s.live(ctx, n) })
		pass(ctx, 500*time.Millisecond+rand.N(500*time.Millisecond))
	}
}

// live takes one lease, renews every other once, falls silent and replays.
func (s *silents) live(ctx context.Context, n int) {
	f := s.fleet
	one := &silence{id: fmt.Sprint("silent-", n)}
	client := 1000 + n
	begin := func() recorded {
		return f.ops.Grant(client, one.id, history.Terms{Key: one.id, TTL: silentTTL})
	}
	a, first := f.insist(ctx, begin, request{
		method: http.MethodPut, path: wire.PathLeases + "/" + one.id, key: one.id, within: 2 * time.Second,
		body: wire.Registration{Service: "silent", TTLMS: silentTTL.Milliseconds()},
	})
	var g wire.Grant
	if !a.ok() || a.into(&g) != nil {
		return
	}
	one.epoch, one.before, one.after = g.Epoch, first, a.got
	if n%2 == 0 && !s.renewOnce(ctx, client, one) {
		return
	}
	s.mu.Lock()
	s.open = append(s.open, one)
	s.mu.Unlock()
	if one.seq > 0 {
		s.replay(ctx, client, *one)
	}
}

func (s *silents) beat(client int, one *silence, seq uint64) (func() recorded, request) {
	return func() recorded { return s.fleet.ops.Renew(client, one.id, one.epoch, seq) }, request{
		method: http.MethodPost, path: wire.PathLeases + "/" + one.id + "/heartbeat", within: 2 * time.Second,
		body: wire.Heartbeat{Epoch: one.epoch, Seq: seq},
	}
}

// renewOnce jumps to seq 3, so that there are lower ones to replay. False where
// its lease ended before, or the run.
func (s *silents) renewOnce(ctx context.Context, client int, one *silence) bool {
	begin, r := s.beat(client, one, 3)
	a, first := s.fleet.insist(ctx, begin, r)
	if !a.ok() {
		return false
	}
	one.seq, one.before, one.after = 3, first, a.got
	return true
}

// replay sends beats that were accepted before, and lower ones, until the lease
// is over for long.
func (s *silents) replay(ctx context.Context, client int, one silence) {
	for time.Since(one.after) < 2*silentTTL && ctx.Err() == nil {
		pass(ctx, replayEvery)
		seq := 1 + rand.Uint64N(3)
		begin, r := s.beat(client, &one, seq)
		r.op = begin()
		a := s.fleet.ask(ctx, s.fleet.somewhere(), r)
		var renewed wire.Renewed
		switch {
		case a.ok() && a.into(&renewed) == nil && (seq < 3 || !renewed.Duplicate):
			s.fleet.ledger.find(twice, "replayed beat %d of %s, which was renewed with 3: %s", seq, one.id, a.text())
		case a.status == http.StatusConflict && seq == 3:
			s.fleet.ledger.find(twice, "the same beat again of %s: %s", one.id, a.text())
		}
	}
}

// slack of a burial: the bound of 250 ms at p99, and a machine that is busy with
// the test.
const slack = time.Second

// judge holds every silent lease against its end in the record of events. Those
// that may live yet are kept for the next time.
func (s *silents) judge(ends map[uint64]wire.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rest []*silence
	for _, one := range s.open {
		if !s.judgeOne(one, ends) {
			rest = append(rest, one)
		}
	}
	s.open = rest
}

func (s *silents) judgeOne(one *silence, ends map[uint64]wire.Event) (done bool) {
	f := s.fleet
	end, ended := ends[one.epoch]
	by, known := f.unrest.bound(one.after, silentTTL, slack)
	if !ended {
		if known && time.Since(by) > silentTTL {
			f.ledger.find(late, "%s, epoch %d, silent since %v, has not ended", one.id, one.epoch, time.Since(one.after))
			return true
		}
		return false
	}
	if !known {
		return false
	}
	c := end.Certificate
	if c == nil || c.Cause != "expired" {
		f.ledger.find(late, "%s ended otherwise than by its TTL: %+v", one.id, end)
		return true
	}
	at := c.At.Time()
	if c.JudgeStallMS > 0 {
		by = by.Add(time.Duration(c.JudgeStallMS)*time.Millisecond + silentTTL/2)
	}
	switch {
	case at.Before(one.before.Add(silentTTL - rounding)):
		f.ledger.find(early, "%s ended %v after its last renewal was begun: %+v", one.id, at.Sub(one.before), c)
	case c.LastSeq < one.seq:
		f.ledger.find(lost, "%s was renewed with seq %d, and ended so: %+v", one.id, one.seq, c)
	case c.LastSeq > one.seq:
		f.ledger.find(twice, "%s was renewed with seq %d only, and ended so: %+v", one.id, one.seq, c)
	case at.After(by.Add(f.clock.stalledSince(one.before))):
		f.ledger.find(late, "%s ended %v after its last renewal, %v beyond its bound: %+v", one.id, at.Sub(one.after), at.Sub(by), c)
	}
	return true
}
