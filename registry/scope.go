package registry

import (
	"fmt"
	"time"
)

// heldLooks is at how many held leases of one scope the judge looks in a
// millisecond, on average: of very many it looks at each less often.
const heldLooks = 100

// scope is one Protection at work.
type scope struct {
	Protection
	expired window
	due     int // in this sitting, beside those held
	// As counted last: see Protection.
	silent, population, held int
	tripped                  bool

	tokens   float64   // burials of held leases that Rate allows now
	refilled LeaseTime // when it last did
}

// refill lets as many tokens come as the rate says, at most one second's worth,
// or one.
func (s *scope) refill(now LeaseTime) {
	s.tokens = min(s.tokens+s.Rate*float64(now-s.refilled)/1000, max(s.Rate, 1))
	s.refilled = now
}

// again returns after how long to look at a held lease again.
func (s *scope) again() LeaseTime { return max(repeatMS, LeaseTime(s.held/heldLooks)) }

// order makes the Hold of a scope, of nobody yet.
func (s *scope) order(term uint64) *Hold {
	return &Hold{
		Term: term, NS: s.NS, Service: s.Service, Reason: s.reason(),
		MaxMS: uint64(s.MaxHold.Milliseconds()), RestMS: uint64(s.rest().Milliseconds()),
	}
}

func (s *scope) reason() string {
	whose := "namespace " + s.NS
	if s.Service != "" {
		whose = "service " + s.Service
	}
	return fmt.Sprintf("%d of %d leases of %s fell silent within %v", s.silent, s.population, whose, s.Window.Round(time.Millisecond))
}
