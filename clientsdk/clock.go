package clientsdk

import "time"

// instant is a moment on both clocks of this machine.
type instant struct {
	at   time.Time     // carries Go's monotonic clock, which stands still in suspend
	boot time.Duration // since boot, suspend included; 0 where that is not known
}

// clock tells how long something has lasted. Its answer is the greater of the
// two clocks': awake they agree, after a suspend the boot clock is ahead, and
// in a testing/synctest bubble only package time moves.
type clock struct {
	boot func() time.Duration
}

func (c clock) now() instant {
	return instant{at: time.Now(), boot: c.boot()}
}

func (c clock) since(i instant) time.Duration {
	return max(time.Since(i.at), c.boot()-i.boot)
}
