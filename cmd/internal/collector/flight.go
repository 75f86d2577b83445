package collector

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

const (
	// restFirst and restMost bound the pause after a sink failed: it doubles with
	// every failure, so that a sink that fails at once is not asked in a loop
	// until another takes its place, and one that begins to serve is soon asked.
	restFirst = 5 * time.Millisecond
	restMost  = 50 * time.Millisecond
)

// flight is one batch on its way.
type flight struct {
	at    *attachment
	units []*unit
	sent  time.Time
	batch Batch
}

// land takes in what became of a batch, answers those whose part is decided,
// and queues the others again. A second call does nothing.
func (c *Collector) land(f *flight, results []registry.Result, commit Commit, err error) {
	if err == nil {
		err = f.check(results)
	}
	for _, u := range c.settle(f, err) {
		if err != nil {
			u.finish(nil, Commit{}, err)
		} else {
			u.finish(u.mine(results), commit, nil)
		}
	}
}

// check makes sure that there is a result for everything that was asked.
func (f *flight) check(results []registry.Result) error {
	if len(results) != len(f.batch.Commands) {
		return fmt.Errorf("the log answered %d commands with %d results", len(f.batch.Commands), len(results))
	}
	for i, cmd := range f.batch.Commands {
		if r, ok := cmd.(*registry.Renew); ok && len(results[i].Beats) != r.Beats.Len() {
			return fmt.Errorf("the log answered %d beats with %d results", r.Beats.Len(), len(results[i].Beats))
		}
	}
	return nil
}

// settle ends a flight and returns the units that are to be answered.
func (c *Collector) settle(f *flight, err error) []*unit {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.flights, f)
	if i < 0 {
		return nil
	}
	c.flights = slices.Delete(c.flights, i, i+1)
	f.at.inFlight--
	defer c.nudge()
	decided := c.decided(f, err)
	for _, u := range decided {
		u.answered = u.detach()
	}
	return decided
}

// decided returns the units of a flight that do not go back into the queues.
func (c *Collector) decided(f *flight, err error) []*unit {
	if !errors.Is(err, ErrNoLeader) {
		f.at.failures = 0
		return f.units
	}
	f.at.fail(time.Now())
	c.burials = burials{} // what comes back must not find itself behind them
	return slices.DeleteFunc(f.units, func(u *unit) bool { return c.retry(u, err) })
}

// fail lets the sink rest after a failure.
func (a *attachment) fail(now time.Time) {
	a.rest = now.Add(min(restFirst<<min(a.failures, 10), restMost))
	a.failures++
}

// retry queues a unit of a failed batch again if that is safe and somebody
// waits for it.
func (c *Collector) retry(u *unit, err error) bool {
	if u.reply != nil || u.waiters == 0 || c.closed {
		return false
	}
	if !u.again && !errors.Is(err, ErrNotSent) {
		return false
	}
	c.enter(u)
	return true
}
