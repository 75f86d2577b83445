package collector

import (
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// burials are the judge's commands that wait to go last.
type burials struct {
	commands []registry.Command
	count    int    // of leases
	mark     uint64 // the last unit that arrived before them
}

func (b *burials) none() bool { return len(b.commands) == 0 }

// take hands burials out, those of limit leases, unless a unit that arrived
// before them still waits at the front of a queue. A command of more goes alone.
func (b *burials) take(limit int, fronts ...*unit) []registry.Command {
	for _, u := range fronts {
		if u != nil && u.id <= b.mark {
			return nil
		}
	}
	n, count := 0, 0
	for ; n < len(b.commands); n++ {
		next := judged(b.commands[n])
		if n > 0 && count+next > limit {
			break
		}
		count += next
	}
	commands := b.commands[:n:n]
	b.commands, b.count = b.commands[n:], b.count-count
	return commands
}

// Bury proposes what the judge decided, burials or those it holds instead, after
// all that waits now. Nobody waits for the outcome: whom it did not bury or hold,
// the judge finds again. It takes nothing and returns false while this node does
// not lead, or while more than Config.MaxBurials wait.
func (c *Collector) Bury(decision registry.Command) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := judged(decision)
	if c.closed || !c.at.leading || c.burials.count+count > c.cfg.MaxBurials {
		return false
	}
	c.burials.commands = append(c.burials.commands, decision)
	c.burials.count += count
	c.burials.mark = c.lastID
	c.nudge()
	return true
}

// judged counts the leases of a decision.
func judged(decision registry.Command) int {
	switch c := decision.(type) {
	case *registry.Expire:
		return len(c.Burials)
	case *registry.Hold:
		return len(c.Burials)
	}
	return 0
}

// Waiting returns a function that tells whether a renewal of an epoch beyond a
// seq is here, waiting or on its way, as of its first call. A judge with nobody
// to bury pays nothing.
func (c *Collector) Waiting() func(epoch, seq uint64) bool {
	var newest map[uint64]uint64
	return func(epoch, seq uint64) bool {
		if newest == nil {
			newest = c.newestSeqs()
		}
		return newest[epoch] > seq
	}
}

// newestSeqs returns the highest seq of every epoch that is here. The lock is
// held only to note where the beats are: none that was added is changed later.
func (c *Collector) newestSeqs() map[uint64]uint64 {
	var beats []registry.Beats
	var named []*registry.RenewNamed
	c.eachUnit(func(u *unit) {
		beats = append(beats, u.verified)
		for _, cmd := range slices.Concat(u.renews, u.others) {
			switch cmd := cmd.(type) {
			case *registry.Renew:
				beats = append(beats, cmd.Beats)
			case *registry.RenewNamed:
				named = append(named, cmd)
			}
		}
	})
	newest := make(map[uint64]uint64)
	for _, b := range beats {
		for i := range b.Len() {
			epoch, seq := b.At(i)
			newest[epoch] = max(newest[epoch], seq)
		}
	}
	for _, r := range named {
		newest[r.Epoch] = max(newest[r.Epoch], r.Seq)
	}
	return newest
}

// eachUnit calls f under the lock for all that waits or is on its way.
func (c *Collector) eachUnit(f func(*unit)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renewals.each(f)
	c.commands.each(f)
	for _, flight := range c.flights {
		for _, u := range flight.units {
			f(u)
		}
	}
}

// Oldest returns how long the oldest batch has been on its way to the present
// sink, 0 when none is.
func (c *Collector) Oldest() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.flights {
		if f.at == c.at {
			return time.Since(f.sent)
		}
	}
	return 0
}

// Refusing tells whether renewals are refused because too many wait: one was
// refused since the last call, or since then half of the room has not become
// free.
func (c *Collector) Refusing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.refusing
	c.refusing = was && c.cfg.pressed(c.waiting)
	return was
}

// Stats is what a collector holds.
type Stats struct {
	Singles, GroupBeats, Commands int           // that wait, as the limits count them
	InFlight                      int           // batches, to whatever sink
	BeatsPerSecond                float64       // that arrive, averaged
	Oldest                        time.Duration // see [Collector.Oldest]
}

// Stats returns what the collector holds now, for metrics.
func (c *Collector) Stats() Stats {
	oldest := c.Oldest()
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{
		Singles: c.waiting.singles, GroupBeats: c.waiting.groups, Commands: c.waiting.commands,
		InFlight: len(c.flights), BeatsPerSecond: c.rate.perSecond, Oldest: oldest,
	}
}
