package clientsdk

import "time"

// The rhythm of a lease of TTL T. With every endpoint silent a heartbeat takes
// its three tries in T/2, and a fourth begins before T has run out, so that a
// dead node, or two, cost no lease while a third answers.
const (
	heartbeatTries = 3
	maxBreak       = 10 * time.Second // between failed heartbeats, however long T is
	maxPause       = time.Second      // before the second try of a heartbeat
	minRegisterTry = 500 * time.Millisecond
)

// pace is the rhythm of one lease.
type pace struct{ ttl time.Duration }

// every is how long after the last acknowledged one the next heartbeat is due.
func (p pace) every() time.Duration { return around(p.ttl / 3) }

// try bounds one try of a heartbeat.
func (p pace) try() time.Duration { return p.ttl / 6 }

// pause is how long after the beginning of the one before a heartbeat's try n
// begins at the earliest, less half by chance: refusals are not repeated in one
// breath, and a try that was silent for T/6 has cost enough.
func (p pace) pause(n int) time.Duration {
	return Retry{Base: min(p.ttl/24, maxPause), Max: p.ttl / 6}.pause(n)
}

// rest is how long a lease waits after a heartbeat that failed altogether, or
// after the application was found unwell, in the time that this has taken. It
// hurries while there is something to save.
func (p pace) rest(valid bool, taken time.Duration) time.Duration {
	part := p.ttl / 3
	if valid {
		part = p.ttl / 4
	}
	return max(around(min(part, maxBreak))-taken, p.pause(1))
}

// registerTry bounds one try of a registration.
func (p pace) registerTry() time.Duration { return max(p.ttl/3, minRegisterTry) }

// registerPause is how long a registration waits before its try n.
func (p pace) registerPause(n int) time.Duration {
	return Retry{Base: 100 * time.Millisecond, Max: max(min(p.ttl/3, 5*time.Second), 200*time.Millisecond)}.pause(n)
}

// standBy is how long to wait before asking again for an id that was lost to
// somebody else n times in a row: T, 2T, 4T to 16T, and up to a quarter more.
func (p pace) standBy(n int) time.Duration {
	d := p.ttl << min(max(n-1, 0), 4)
	return d + halfJitter(d/4)
}

// health bounds one call of Health.
func (p pace) health(wanted time.Duration) time.Duration {
	if wanted > 0 {
		return min(wanted, p.ttl/6)
	}
	return p.ttl / 6
}
