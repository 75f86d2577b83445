package clientsdk

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestValidEndsExactlyAtTheDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		sent := time.Now() // the model answers in no time
		b.all(func(n *modelNode) { n.down = true })
		if got := l.Deadline(); !got.Equal(sent.Add(testTTL)) {
			t.Errorf("deadline %v, want %v", got, sent.Add(testTTL))
		}
		pass(testTTL - 1)
		if epoch, valid := l.Fence(); !valid || epoch == 0 || l.Remaining() != 1 {
			t.Errorf("1 ns before: epoch %d, valid %v, remaining %v", epoch, valid, l.Remaining())
		}
		pass(1)
		if epoch, valid := l.Fence(); valid || epoch == 0 || l.Valid() || l.Remaining() != 0 {
			t.Errorf("at the deadline: epoch %d, valid %v, remaining %v", epoch, valid, l.Remaining())
		}
	})
}

func TestValidCountsFromTheSending(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.delay, n.lag = 300*time.Millisecond, 700*time.Millisecond })
		l := b.register(t, nil)
		if got := l.Remaining(); got != testTTL-time.Second {
			t.Errorf("a grant that took 1 s leaves %v, want T less 1 s", got)
		}
		pass(testTTL/3*9/10 - time.Second - 1) // just before the first heartbeat is due
		b.forgetHits()
		for len(b.record("POST")) == 0 {
			pass(time.Millisecond)
		}
		pass(time.Second)
		sent := b.record("POST")[0].at
		if got, want := l.Remaining(), testTTL-time.Since(sent); got != want {
			t.Errorf("a renewal leaves %v, want %v, T since its sending", got, want)
		}
	})
}

func TestDuplicateCountsFromTheFirstTry(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.client = b.dial(t, "http://n1", "http://n2")
		l := b.register(t, nil)
		b.forgetHits()
		b.all(func(n *modelNode) { n.lose = 1 }) // of each the answer to a renewal that took effect
		for len(b.record("POST")) < 3 {
			pass(time.Millisecond)
		}
		first := b.record("POST")[0].at
		if got, want := l.Remaining(), testTTL-time.Since(first); got != want {
			t.Errorf("%v are left, want %v, T since the first try", got, want)
		}
		if cluster := b.lease("web-1").deadline; cluster.Before(l.Deadline()) {
			t.Errorf("the holder counts to %v, the cluster only to %v", l.Deadline(), cluster)
		}
	})
}

// The holder must never believe in its lease for longer than the cluster does,
// whatever is lost or late.
func TestHolderNeverOutlivesTheLease(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		names := []string{"n1", "n2", "n3"}
		faults := []modelNode{
			{}, {down: true}, {lose: 2}, {silent: true}, {delay: testTTL / 7}, {lag: testTTL / 5}, {noLeader: true}, {delay: testTTL / 4}, {},
		}
		for step := range 4000 {
			if step%7 == 0 {
				b.node(names[step/7%3], func(n *modelNode) { *n = faults[step*step/49%len(faults)] })
			}
			pass(500 * time.Millisecond)
			lease := b.lease("web-1")
			if epoch, valid := l.Fence(); valid && (!lease.live || lease.epoch != epoch) {
				t.Fatalf("step %d: the holder believes in epoch %d, the cluster in %d (live %v)", step, epoch, lease.epoch, lease.live)
			}
		}
	})
}

func TestSuspendEndsValidAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		lost := new(journal[*LostError])
		l := b.register(t, func(r *Registration) { r.OnLost = lost.add })
		first := l.Epoch()
		pass(time.Second)
		b.suspend(time.Hour)
		if l.Valid() {
			t.Error("valid after an hour of sleep, of which no timer knows")
		}
		pass(testTTL / 2)
		if !l.Valid() || l.Epoch() <= first {
			t.Errorf("half a T after waking: epoch %d after %d, valid %v", l.Epoch(), first, l.Valid())
		}
		if got := lost.all(); len(got) != 1 || got[0].Cause != Expired {
			t.Errorf("reported %v", got)
		}
	})
}

func TestClockTakesTheGreater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boot := time.Duration(0)
		c := clock{boot: func() time.Duration { return boot }}
		then := c.now()
		pass(time.Minute)
		if got := c.since(then); got != time.Minute {
			t.Errorf("boot clock unknown: %v, want the minute of package time", got)
		}
		boot = time.Hour
		if got := c.since(then); got != time.Hour {
			t.Errorf("after a suspend: %v, want an hour", got)
		}
	})
}

func TestSinceBootRuns(t *testing.T) {
	before := sinceBoot()
	if before < 0 || sinceBoot() < before {
		t.Errorf("boot clock ran from %v to %v", before, sinceBoot())
	}
}
