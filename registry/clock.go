package registry

import "time"

// LeaseTime is a reading of one node's lease clock, in milliseconds. It is
// never sent, stored or compared between nodes.
type LeaseTime int64

// clock is the lease clock: a count of the time in which this process ran. It
// reads in whole milliseconds and loses none of their parts.
type clock struct {
	now    LeaseTime     // at the last tick
	part   time.Duration // of a millisecond, not counted yet
	last   time.Duration // monotonic, of the last tick
	begun  bool
	onTime bool // the last tick
}

// tick advances the clock by the time since the last tick, at most TickCap, and
// returns by how much this tick was late if that is a stall.
func (c *clock) tick(mono time.Duration, uncapped bool) (stall time.Duration) {
	if !c.begun {
		c.begun, c.last, c.onTime = true, mono, true
		return 0
	}
	elapsed := max(0, mono-c.last)
	c.last += elapsed
	counted := min(elapsed, TickCap)
	if uncapped {
		counted = elapsed
	}
	c.part += counted
	c.now += LeaseTime(c.part / time.Millisecond)
	c.part %= time.Millisecond
	c.onTime = elapsed <= TickCap
	if late := elapsed - TickEvery; late >= StallAfter {
		return late
	}
	return 0
}

// read returns the clock at mono: what the last tick said and the time since,
// at most TickCap.
func (c *clock) read(mono time.Duration) LeaseTime {
	if !c.begun {
		return c.now
	}
	since := min(max(0, mono-c.last), TickCap)
	return c.now + LeaseTime((c.part+since)/time.Millisecond)
}

// behind tells whether a tick is overdue: until it came, nobody knows how long
// the process did not run.
func (c *clock) behind(mono time.Duration) bool { return !c.begun || mono-c.last > TickCap }
