package collector

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// TestLostLeadership fails a batch of everything and looks at who is sent again
// to the next sink, and who is told at once.
func TestLostLeadership(t *testing.T) {
	for _, test := range []struct {
		name    string
		err     error
		again   string // what the next sink gets
		refused bool   // the commands are answered with err
	}{
		{"indeterminate", ErrNoLeader, "renew()3 renew(n)1 named-x ", true},
		{"not sent", ErrNotSent, "renew()3 renew(n)1 grant-a named-x ", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, Config{MaxInFlight: 1}, func(t *testing.T, b *bench) {
				old, next := newHand(), newHand()
				b.await(b.ctx)
				grant := b.do(b.ctx, grant("a"))
				one := b.beat(b.ctx, 1, 1)
				two := b.beat(b.ctx, 2, 1)
				named := b.do(b.ctx, &registry.RenewNamed{ID: "x", Epoch: 9, Seq: 1})
				group := b.group(b.ctx, "n", pack(4, 1))
				b.Attach(old, true)
				s := old.next(t)
				checkShape(t, s, "renew()2 renew(n)1 grant-a named-x ")
				b.Attach(nil, false)
				s.fail(test.err)
				three := b.beat(b.ctx, 3, 1)
				for _, c := range []<-chan answer{one, two, named, group} {
					blocked(t, c)
				}
				b.Attach(next, false)
				s = next.next(t)
				checkShape(t, s, test.again)
				s.commit(1)
				if test.refused {
					if a := got(t, grant); !errors.Is(a.err, ErrNoLeader) || errors.Is(a.err, ErrNotSent) {
						t.Errorf("grant: %v", a.err)
					}
				} else if a := got(t, grant); a.err != nil {
					t.Error(a.err)
				}
				checkBeats(t, got(t, one), 1, 1)
				checkBeats(t, got(t, two), 2, 1)
				checkBeats(t, got(t, three), 3, 1)
				checkBeats(t, got(t, group), 4, 1)
				if a := got(t, named); a.err != nil {
					t.Error(a.err)
				}
			})
		})
	}
}

// TestComesBackInFront lets two batches fail in either order: what comes back
// is sent in the order in which it arrived, before what arrived since.
func TestComesBackInFront(t *testing.T) {
	for name, order := range map[string][2]int{"in order": {0, 1}, "out of order": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{MaxBatchBeats: 2}, func(t *testing.T, b *bench) {
				old, next := newHand(), newHand()
				b.Attach(old, false)
				var calls []<-chan answer
				for seq := range uint64(3) {
					calls = append(calls, b.beat(b.ctx, 7, seq+1))
				}
				flights := []sent{old.next(t), old.next(t)}
				b.Attach(nil, false)
				for _, i := range order {
					flights[i].fail(ErrNoLeader)
				}
				b.Attach(next, false)
				first, second := next.next(t), next.next(t)
				first.commit(1)
				second.commit(2)
				var seqs []uint64
				for _, s := range []sent{first, second} {
					beats := s.Commands[0].(*registry.Renew).Beats
					for i := range beats.Len() {
						_, seq := beats.At(i)
						seqs = append(seqs, seq)
					}
				}
				if len(seqs) != 3 || seqs[0] != 1 || seqs[1] != 2 || seqs[2] != 3 {
					t.Errorf("sent again as %v", seqs)
				}
				for i, c := range calls {
					checkBeats(t, got(t, c), 7, uint64(i+1))
				}
			})
		})
	}
}

// TestOtherErrors: an error that is no ErrNoLeader is final for everybody.
func TestOtherErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, err := range []error{ErrOverloaded, broken} {
		bubble(t, Config{}, func(t *testing.T, b *bench) {
			h := newHand()
			b.Attach(h, false)
			beat := b.beat(b.ctx, 1, 1)
			do := b.do(b.ctx, grant("a"))
			h.next(t).fail(err)
			h.next(t).fail(err)
			for _, c := range []<-chan answer{beat, do} {
				if a := got(t, c); !errors.Is(a.err, err) {
					t.Errorf("got %v, want %v", a.err, err)
				}
			}
			h.none(t)
		})
	}
}

// TestRest: a sink that fails at once is asked ever more seldom, and not at all
// once the callers have left; another sink need not wait.
func TestRest(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *bench) {
		failing := newHand()
		b.Attach(failing, false)
		ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
		defer cancel()
		a := b.beat(ctx, 1, 1)
		tries := 0
		for ctx.Err() == nil {
			select {
			case s := <-failing:
				tries++
				s.fail(ErrNotSent)
			case <-ctx.Done():
			}
		}
		if tries < 5 || tries > 50 {
			t.Errorf("%d tries in 2 s", tries)
		}
		if err := got(t, a).err; !errors.Is(err, ErrNoLeader) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		next := newHand()
		beat := b.beat(b.ctx, 2, 1)
		b.Attach(next, false)
		next.next(t).commit(1)
		checkBeats(t, got(t, beat), 2, 1)
	})
}

// TestCallerLeaves: what nobody waits for is not sent (again), and takes no
// room; its neighbours are not disturbed.
func TestCallerLeaves(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *bench) {
		gone, cancel := context.WithCancel(b.ctx)
		one, two, three := b.beat(gone, 1, 1), b.beat(b.ctx, 2, 1), b.beat(gone, 3, 1)
		four := b.beat(b.ctx, 4, 1)
		group, do, barrier := b.group(gone, "n", pack(5, 1)), b.do(gone, grant("a")), b.await(gone)
		cancel()
		for _, c := range []<-chan answer{one, three, group, do, barrier} {
			if a := got(t, c); !errors.Is(a.err, ErrNoLeader) || !errors.Is(a.err, context.Canceled) {
				t.Errorf("got %v", a.err)
			}
		}
		h := newHand()
		b.Attach(h, false)
		s := h.next(t)
		checkShape(t, s, "renew()2 ")
		h.none(t)
		s.commit(1)
		checkBeats(t, got(t, two), 2, 1)
		checkBeats(t, got(t, four), 4, 1)
		if l, units := b.held(); units != 0 || l != (load{}) {
			t.Errorf("left over: %d, %+v", units, l)
		}
	})
}

// TestCallerLeavesInFlight: the call returns at once; the batch that fails
// later does not bring the beat back.
func TestCallerLeavesInFlight(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *bench) {
		h := newHand()
		gone, cancel := context.WithCancel(b.ctx)
		one, two := b.beat(gone, 1, 1), b.beat(b.ctx, 2, 1)
		group := b.group(gone, "", pack(3, 1))
		b.Attach(h, false)
		s := h.next(t)
		checkShape(t, s, "renew()3 ")
		cancel()
		for _, c := range []<-chan answer{one, group} {
			if a := got(t, c); !errors.Is(a.err, ErrNoLeader) {
				t.Errorf("got %v", a.err)
			}
		}
		blocked(t, two)
		s.fail(ErrNoLeader)
		<-time.After(time.Second)
		s = h.next(t)
		checkShape(t, s, "renew()1 ")
		s.commit(1)
		checkBeats(t, got(t, two), 2, 1)
		h.none(t)
	})
}

// TestAllLeave: a crowd that was abandoned does not wait for a sink for ever.
func TestAllLeave(t *testing.T) {
	bubble(t, Config{Patience: time.Second}, func(t *testing.T, b *bench) {
		for i := range 100 {
			b.beat(b.ctx, uint64(i), 1)
		}
		b.do(b.ctx, grant("a"))
		b.await(b.ctx)
		<-time.After(time.Second)
		if l, units := b.held(); units != 0 || l != (load{}) {
			t.Errorf("left over: %d, %+v", units, l)
		}
		h := newHand()
		b.Attach(h, false)
		h.none(t)
	})
}

func TestStop(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *bench) {
		h := newHand()
		run, stop := context.WithCancel(t.Context())
		c := &bench{Collector: New(Config{MaxInFlight: 1}), t: t, ctx: t.Context()}
		ran := make(chan struct{})
		go func() {
			defer close(ran)
			c.Run(run)
		}()
		c.Attach(h, true)
		flying := c.do(c.ctx, grant("flying"))
		s := h.next(t)
		beat, do := c.beat(c.ctx, 1, 1), c.do(c.ctx, grant("a"))
		frame := c.forward(grant("f"))
		stop()
		<-ran
		late, lateFrame := c.beat(c.ctx, 2, 1), c.forward(grant("g"))
		for _, call := range []<-chan answer{beat, do, frame, late, lateFrame, c.await(c.ctx)} {
			if a := got(t, call); !errors.Is(a.err, ErrNotSent) {
				t.Errorf("got %v", a.err)
			}
		}
		blocked(t, flying)
		s.commit(1)
		if a := got(t, flying); a.err != nil {
			t.Error(a.err)
		}
		if c.Bury(&registry.Expire{}) {
			t.Error("a burial was taken")
		}
	})
}
