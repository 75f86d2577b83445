package collector

import (
	"math"
	"time"
)

const (
	// rateMemory is over how long the rate of arrival is averaged.
	rateMemory = 250 * time.Millisecond
	// lingerFloor is the shortest wait worth a timer; less is none.
	lingerFloor = time.Millisecond
)

// rate is the rate at which beats arrive: an average of which each part counts
// less by a factor of e for every rateMemory that it is older.
type rate struct {
	perSecond float64
	last      time.Time
}

// observe takes in that n beats arrived since the last call.
func (r *rate) observe(n int, now time.Time) {
	passed := now.Sub(r.last).Seconds()
	r.last = now
	if passed <= 0 {
		r.perSecond += float64(n) / rateMemory.Seconds()
		return
	}
	kept := math.Exp(-passed / rateMemory.Seconds())
	r.perSecond = kept*r.perSecond + (1-kept)*float64(n)/passed
}

// linger is how long a beat waits for company: as long as that many take to
// arrive. Clients that wait for their answers before they go on drive it to
// nothing: the shorter it is, the higher the rate.
func (r *rate) linger(company int, most time.Duration) time.Duration {
	if r.perSecond <= 0 {
		return most
	}
	d := float64(company) / r.perSecond * float64(time.Second)
	switch {
	case d >= float64(most):
		return most
	case d < float64(lingerFloor):
		return 0
	}
	return time.Duration(d)
}
