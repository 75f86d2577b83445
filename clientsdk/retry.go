package clientsdk

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Retry says how often a call that got no definite answer is tried, and how
// long it waits between: Base, doubled each time up to Max, of which half is
// left to chance.
type Retry struct {
	Tries int           // default 3; 1 never tries again
	Base  time.Duration // default 50 ms
	Max   time.Duration // default 2 s; also bounds what a Retry-After may ask
}

func (r Retry) withDefaults() Retry {
	orDefault(&r.Tries, 3)
	orDefault(&r.Base, 50*time.Millisecond)
	orDefault(&r.Max, 2*time.Second)
	return r
}

// pause is how long to wait before try n; the first, 0, does not wait.
func (r Retry) pause(n int) time.Duration {
	if n == 0 {
		return 0
	}
	return halfJitter(min(r.Base<<min(n-1, 10), r.Max))
}

// asked is what the answer's Retry-After asks for, within Max.
func (r Retry) asked(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds <= 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 3600))*time.Second, r.Max)
}

// halfJitter keeps half of d and leaves the other half to chance.
func halfJitter(d time.Duration) time.Duration {
	if d <= 1 {
		return d
	}
	return d/2 + rand.N(d/2+1)
}

// around is d give or take a tenth.
func around(d time.Duration) time.Duration {
	if d < 10 {
		return d
	}
	return d - d/10 + rand.N(d/5+1)
}

// sleep waits for d, or returns the cause of ctx's end.
func sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
