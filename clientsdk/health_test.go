package clientsdk

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errSick = errors.New("the database is gone")

func TestUnwellIsNotRenewed(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var sick atomic.Bool
		states := new(journal[Status])
		l := b.register(t, func(r *Registration) {
			r.OnState = states.add
			r.Health = func(context.Context) error {
				if sick.Load() {
					return errSick
				}
				return nil
			}
		})
		first := l.Epoch()
		pass(time.Minute)
		sick.Store(true)
		pass(testTTL)
		if s := l.Status(); s.State != Disconnected || !errors.Is(s.Err, errSick) {
			t.Errorf("status %+v, want the reason", s)
		}
		b.forgetHits()
		pass(time.Hour)
		if n := len(b.record("POST")) + len(b.record("PUT")); n != 0 || l.Valid() || b.lease("web-1").live {
			t.Fatalf("%d requests, valid %v, alive %v while it is sick", n, l.Valid(), b.lease("web-1").live)
		}
		sick.Store(false)
		pass(testTTL)
		if !l.Valid() || l.Epoch() <= first || done(l) {
			t.Errorf("well again: valid %v, epoch %d after %d", l.Valid(), l.Epoch(), first)
		}
	})
}

func TestShortSicknessCostsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var sick atomic.Bool
		l := b.register(t, func(r *Registration) {
			r.Health = func(context.Context) error {
				if sick.Load() {
					return errSick
				}
				return nil
			}
		})
		first := l.Epoch()
		for range 20 {
			sick.Store(true)
			pass(testTTL / 3)
			sick.Store(false)
			pass(testTTL / 2)
			if !l.Valid() {
				t.Fatal("lost by a sickness of T/3")
			}
		}
		if l.Epoch() != first {
			t.Errorf("epoch %d after %d", l.Epoch(), first)
		}
	})
}

func TestNothingIsRegisteredWhileUnwell(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		began := time.Now()
		l := b.register(t, func(r *Registration) {
			r.Health = func(context.Context) error {
				if time.Since(began) < time.Minute {
					return errSick
				}
				return nil
			}
		})
		if at := b.record("PUT")[0].at.Sub(began); at < time.Minute || at > time.Minute+testTTL || !l.Valid() {
			t.Errorf("registered after %v", at)
		}
	})
}

func TestHealthHasItsOwnTime(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var calls, open atomic.Int64
		var hang atomic.Bool
		release := make(chan struct{})
		l := b.register(t, func(r *Registration) {
			r.HealthTimeout = time.Second
			r.Health = func(context.Context) error { // deaf to its context
				calls.Add(1)
				if open.Add(1) > 1 {
					t.Error("asked again while the first question is open")
				}
				defer open.Add(-1)
				if hang.Load() {
					<-release
				}
				return nil
			}
		})
		hang.Store(true)
		pass(time.Hour)
		if s := l.Status(); s.State != Disconnected || !errors.Is(s.Err, ErrHealthTimeout) {
			t.Errorf("status %+v", s)
		}
		hang.Store(false)
		close(release)
		pass(testTTL)
		if !l.Valid() || l.Status().State != Connected {
			t.Errorf("not taken up again: %+v", l.Status())
		}
		synctest.Wait()
	})
}

func TestHealthThatPanicsIsUnwell(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var bad atomic.Bool
		l := b.register(t, func(r *Registration) {
			r.Health = func(context.Context) error {
				if bad.Load() {
					panic("in Health")
				}
				return nil
			}
		})
		bad.Store(true)
		pass(2 * testTTL)
		if _, unwell := errors.AsType[*UnwellError](l.Status().Err); !unwell || l.Valid() {
			t.Errorf("status %+v, valid %v", l.Status(), l.Valid())
		}
		bad.Store(false)
		pass(testTTL)
		if !l.Valid() {
			t.Error("not taken up again")
		}
	})
}
