package loadgen

import (
	"context"
	"math"
	"time"
)

// maxRate bounds the requests a second of an open loop.
const maxRate = 10_000_000

// pace tells one connection when to send. Without a rate it is a closed loop:
// at once, when the request before was answered. With one it is an open loop:
// the requests of all connections together are due at fixed moments, which the
// connections take in turn, and a connection that is behind sends at once.
// Latency counts from when a request was due, so that a slow cluster does not
// hide what it kept waiting. It belongs to one goroutine.
type pace struct {
	schedule
	number int   // of the connection, from 0
	taken  int64 // requests that were begun
	tally  *tally
	timer  *time.Timer // nil until one is waited for
}

// schedule is what the paces of all connections have in common.
type schedule struct {
	start       time.Time
	until       time.Time // nothing is due from then on; the zero time: it ends with the work
	rate        float64   // requests a second over all connections; 0: a closed loop
	connections int
}

// of is the pace of one of the connections, which tells its tally how well it
// was kept.
func (s schedule) of(number int, t *tally) *pace {
	if s.open() {
		t.behind = newHistogram()
	}
	return &pace{schedule: s, number: number, tally: t}
}

func (s schedule) open() bool { return s.rate > 0 }

// over says that nothing is due at t.
func (s schedule) over(t time.Time) bool { return !s.until.IsZero() && !t.Before(s.until) }

// due is when the next request of an open loop is to be sent.
func (p *pace) due() time.Time {
	slot := float64(p.taken)*float64(p.connections) + float64(p.number)
	return p.start.Add(time.Duration(slot / p.rate * float64(time.Second)))
}

// ended says that nothing more is to be sent at now, or that ctx ended.
func (p *pace) ended(ctx context.Context, now time.Time) bool {
	return p.over(now) || p.open() && p.over(p.due()) || ctx.Err() != nil
}

// next waits until the next request is to be sent and returns from when on its
// latency counts. It is false when nothing more is to be sent, or ctx ended.
func (p *pace) next(ctx context.Context) (from time.Time, ok bool) {
	now := time.Now()
	if p.ended(ctx, now) {
		return now, false
	}
	if !p.open() {
		return now, true
	}
	due := p.due()
	if due.After(now) && !p.sleep(ctx, due.Sub(now)) {
		return due, false
	}
	free := now
	if p.taken == 0 {
		free = p.start // before which it was prepared
	}
	p.take(due, free)
	return due, true
}

// take begins the request that is due; since then the connection is free for it.
func (p *pace) take(due, free time.Time) {
	p.taken++
	if free.After(due) {
		p.tally.waited++
		return
	}
	record(p.tally.behind, time.Since(due))
}

// sleep waits for d, or until ctx ends.
func (p *pace) sleep(ctx context.Context, d time.Duration) bool {
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	defer p.timer.Stop()
	select {
	case <-p.timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// finish counts what was due by now and never begun.
func (p *pace) finish(now time.Time) {
	if !p.open() || p.until.IsZero() {
		return
	}
	end := now
	if end.After(p.until) {
		end = p.until
	}
	if !p.due().Before(end) {
		return
	}
	slots := (end.Sub(p.start).Seconds()*p.rate - float64(p.number)) / float64(p.connections)
	p.tally.unsent += max(int64(math.Ceil(slots))-p.taken, 1)
}

// OpenLoop is how well the driver kept its schedule.
type OpenLoop struct {
	OfferedPerS  float64 `json:"offered_per_s"`  // requests that were due
	AchievedPerS float64 `json:"achieved_per_s"` // requests that were acknowledged
	Due          int64   `json:"due"`            // requests that were due in all
	Waited       int64   `json:"waited"`         // requests whose connection was still busy when they were due
	Unsent       int64   `json:"unsent"`         // requests that were due and not begun before the end: of no latency
	Behind       Latency `json:"behind_ms"`      // how late the driver itself sent, of the requests whose connection was free
}

// openLoop tells how well the schedule was kept by those who counted in t; nil
// of a closed loop.
func (s schedule) openLoop(t *tally, took time.Duration) *OpenLoop {
	if !s.open() {
		return nil
	}
	return &OpenLoop{
		OfferedPerS: s.rate, AchievedPerS: perSecond(t.requests, took),
		Due: t.waited + t.behind.TotalCount() + t.unsent, Waited: t.waited, Unsent: t.unsent, Behind: latencyOf(t.behind),
	}
}

// Overtaxed says that more was due than the connections could send: the last
// requests of a run may miss its end by a timer's inaccuracy, but not more than
// one, and one of a thousand.
func (o *OpenLoop) Overtaxed() bool { return o.Unsent > max(1, o.Due/1000) }

// Late says that the driver itself was not on time, which a timer is to within
// about a millisecond.
func (o *OpenLoop) Late() bool { return o.Behind.P99 > 5 }
