package collector

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// dispatch sends all that may be sent now. It returns after how long it wants
// to be called again, 0 when a nudge will do.
func (c *Collector) dispatch() time.Duration {
	for {
		f, wait := c.take(time.Now())
		if f == nil {
			return wait
		}
		f.at.sink.Send(&f.batch, func(results []registry.Result, commit Commit, err error) {
			c.land(f, results, commit, err)
		})
	}
}

// take forms the next batch and counts it as on its way, or returns nil and how
// long to wait.
func (c *Collector) take(now time.Time) (*flight, time.Duration) {
	f, wait := c.fill(now)
	if f != nil {
		f.batch.Commands = append(layOut(f.units), f.batch.Commands...)
	}
	return f, wait
}

func (c *Collector) fill(now time.Time) (*flight, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nudged, c.pause = false, noPause
	if !c.open() || c.idle() {
		return nil, 0
	}
	if rest := c.at.rest.Sub(now); rest > 0 {
		c.pause = resting
		return nil, rest
	}
	if wait := c.linger(now); wait > 0 {
		c.pause = lingering
		return nil, wait
	}
	c.rate.observe(c.arrived, now)
	c.arrived = 0
	f := &flight{at: c.at, sent: now}
	f.units = c.pick()
	f.batch.Commands = c.burials.take(c.cfg.MaxBatchBurials, c.renewals.front, c.commands.front)
	c.at.inFlight++
	c.flights = append(c.flights, f)
	return f, 0
}

func (c *Collector) idle() bool {
	return c.renewals.front == nil && c.commands.front == nil && c.burials.none()
}

// linger returns how long the beats that wait are to wait for company yet.
func (c *Collector) linger(now time.Time) time.Duration {
	if !c.at.leading || !c.company() {
		return 0
	}
	return c.rate.linger(c.cfg.LingerBeats, c.cfg.MaxLinger) - now.Sub(c.renewals.front.since)
}

// pick takes units out of the queues, renewals first, as many as fit.
func (c *Collector) pick() []*unit {
	var units []*unit
	var sum load
	for _, q := range []*queue{&c.renewals, &c.commands} {
		for u := q.front; u != nil && (len(units) == 0 || c.cfg.fits(sum, u)); u = q.front {
			if u == c.crowd {
				c.usual = u.verified.Len()
			}
			c.leave(u)
			u.compact()
			sum.add(u.load)
			units = append(units, u)
		}
	}
	return units
}

// fits says whether u still has room in a batch.
func (c *Config) fits(sum load, u *unit) bool {
	sum.add(u.load)
	return sum.beats <= c.MaxBatchBeats && sum.parts <= c.MaxBatchCommands && sum.bytes <= c.MaxBatchBytes
}
