package collector

import (
	"errors"
	"testing"
	"time"
)

func TestLaterIsToldOnce(t *testing.T) {
	bubble(t, Config{MaxInFlight: 1}, func(t *testing.T, b *bench) {
		h := newHand()
		b.Attach(h, false)
		one, two := b.later(1, 1), b.beat(b.ctx, 2, 1)
		first := h.next(t)
		three := b.later(3, 1)
		first.commit(1)
		checkBeats(t, got(t, one), 1, 1)
		second := h.next(t)
		second.fail(ErrNoLeader) // indeterminate: goes again
		blocked(t, three)
		<-time.After(restMost)
		h.next(t).commit(2)
		checkBeats(t, got(t, two), 2, 1)
		checkBeats(t, got(t, three), 3, 1)
	})
}

// lost asserts that beats were given up.
func lost(t *testing.T, answers ...<-chan answer) {
	t.Helper()
	for _, c := range answers {
		if a := got(t, c); !errors.Is(a.err, ErrNoLeader) {
			t.Errorf("got %v", a.err)
		}
	}
}

// TestLaterLosesPatience makes sure that a beat is given up in time, and is not
// sent when a leader comes after that.
func TestLaterLosesPatience(t *testing.T) {
	bubble(t, Config{Patience: time.Second}, func(t *testing.T, b *bench) {
		one := b.later(1, 1)
		<-time.After(100 * time.Millisecond)
		two := b.later(2, 1) // an eighth of the patience is shared
		<-time.After(400 * time.Millisecond)
		three := b.later(3, 1)
		blocked(t, one)
		<-time.After(500 * time.Millisecond)
		lost(t, one, two)
		blocked(t, three)
		<-time.After(500 * time.Millisecond)
		lost(t, three)
		if l, units := b.held(); units != 0 || l != (load{}) {
			t.Errorf("%d units are left: %+v", units, l)
		}
		h := newHand()
		b.Attach(h, false)
		h.none(t)
	})
}

// TestLaterIsToldWhenItsCrowdWaitsOn: a crowd that others keep in the queue
// loses patience more than once.
func TestLaterIsToldWhenItsCrowdWaitsOn(t *testing.T) {
	bubble(t, Config{Patience: time.Second}, func(t *testing.T, b *bench) {
		one := b.later(1, 1)
		<-time.After(900 * time.Millisecond)
		b.beat(b.ctx, 2, 1) // which keeps the crowd
		<-time.After(200 * time.Millisecond)
		three := b.later(3, 1)
		<-time.After(time.Second)
		lost(t, one, three)
		if l, units := b.held(); units != 0 || l != (load{}) {
			t.Errorf("%d units are left: %+v", units, l)
		}
	})
}

func TestLaterIsRefused(t *testing.T) {
	bubble(t, Config{MaxSingles: 1}, func(t *testing.T, b *bench) {
		b.later(1, 1)
		if a := got(t, b.later(2, 1)); !errors.Is(a.err, ErrOverloaded) {
			t.Errorf("got %v", a.err)
		}
	})
}
