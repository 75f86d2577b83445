package collector

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// TestFramesNeedALeader: a frame is refused, definitely, by a node that does
// not lead, and when leadership ends while it waits; one that was on its way
// gets its sink's word, and is not sent again from here.
func TestFramesNeedALeader(t *testing.T) {
	bubble(t, Config{MaxInFlight: 1}, func(t *testing.T, b *bench) {
		log, stream := newHand(), newHand()
		frame := func() <-chan answer { return b.forward(&registry.Renew{Beats: pack(1, 1)}) }
		refused := []<-chan answer{frame()}
		b.Attach(stream, false)
		refused = append(refused, frame())
		b.Attach(log, true)
		b.await(b.ctx)
		log.next(t).commit(1)
		flying := b.forward(&registry.Renew{Beats: pack(1, 1)}, grant("a"))
		s := log.next(t)
		refused = append(refused, frame(), b.forward(grant("b")))
		b.Attach(stream, false)
		for i, c := range refused {
			if a := got(t, c); !errors.Is(a.err, ErrNotSent) {
				t.Errorf("frame %d: %v", i, a.err)
			}
		}
		s.fail(ErrNoLeader)
		if a := got(t, flying); !errors.Is(a.err, ErrNoLeader) || errors.Is(a.err, ErrNotSent) {
			t.Errorf("got %v", a.err)
		}
		stream.none(t)
	})
}

// TestBurialsComeLast: while anything that arrived before a burial waits, the
// burial does, too; what arrived later may overtake it, but does not hold it.
func TestBurialsComeLast(t *testing.T) {
	bubble(t, Config{MaxInFlight: 1, MaxBatchBeats: 10, MaxBatchCommands: 1}, func(t *testing.T, b *bench) {
		h := newHand()
		b.Attach(h, true)
		b.await(b.ctx)
		last := h.next(t)
		b.group(b.ctx, "n", span(1, 9))
		b.group(b.ctx, "n", span(1, 8))
		b.do(b.ctx, grant("a"))
		b.do(b.ctx, grant("b"))
		b.do(b.ctx, grant("c"))
		b.Bury(&registry.Expire{Burials: make([]registry.Burial, 3)})
		b.group(b.ctx, "n", span(1, 7))
		b.do(b.ctx, grant("d"))
		for _, want := range []string{
			"renew(n)9 grant-a ",
			"renew(n)8 grant-b ",
			"renew(n)7 grant-c expire3 ",
			"grant-d ",
		} {
			last.commit(1)
			last = h.next(t)
			checkShape(t, last, want)
		}
	})
}

// TestBurialsLeaveInParts: so many that others would wait for long leave in
// several batches, with what came meanwhile between them.
func TestBurialsLeaveInParts(t *testing.T) {
	bubble(t, Config{MaxInFlight: 1, MaxBatchBurials: 5}, func(t *testing.T, b *bench) {
		h := newHand()
		b.Attach(h, true)
		b.await(b.ctx)
		last := h.next(t)
		for _, n := range []int{2, 2, 3, 9, 1} {
			b.Bury(&registry.Expire{Burials: make([]registry.Burial, n)})
		}
		b.do(b.ctx, grant("a"))
		for _, want := range []string{"grant-a expire2 expire2 ", "expire3 ", "expire9 ", "expire1 "} {
			last.commit(1)
			last = h.next(t)
			checkShape(t, last, want)
		}
	})
}

func TestBurialsAreDropped(t *testing.T) {
	one := &registry.Expire{Burials: make([]registry.Burial, 1)}
	bubble(t, Config{MaxInFlight: 1, MaxBurials: 2}, func(t *testing.T, b *bench) {
		h, stream := newHand(), newHand()
		if b.Bury(one) {
			t.Error("taken without a sink")
		}
		b.Attach(h, true)
		b.Bury(one) // on its way
		s := h.next(t)
		checkShape(t, s, "expire1 ")
		for i, want := range []bool{true, true, false} {
			if b.Bury(one) != want {
				t.Errorf("burial %d: taken is %v", i, !want)
			}
		}
		b.Attach(stream, false)
		if b.Bury(one) {
			t.Error("taken by a follower")
		}
		s.fail(ErrNoLeader)
		b.Attach(h, true)
		stream.none(t)
		h.none(t)
	})
}

func TestWaiting(t *testing.T) {
	bubble(t, Config{MaxInFlight: 1}, func(t *testing.T, b *bench) {
		h := newHand()
		b.Attach(h, true)
		b.group(b.ctx, "n", span(1, 16)) // on its way: 1 to 16
		s := h.next(t)
		b.beat(b.ctx, 20, 5)
		b.beat(b.ctx, 20, 3)
		b.group(b.ctx, "", pack(21, 7, 22, 7))
		b.do(b.ctx, &registry.RenewNamed{Epoch: 23, Seq: 9})
		b.forward(&registry.Renew{Beats: pack(24, 2)}, grant("a"), &registry.Renew{NS: "n", Beats: pack(25, 2)})
		waiting := b.Waiting()
		for _, test := range []struct {
			epoch, seq uint64
			want       bool
		}{
			{1, 0, true},
			{1, 1, false},
			{16, 0, true},
			{17, 0, false},
			{20, 4, true},
			{20, 5, false},
			{21, 6, true},
			{22, 7, false},
			{23, 8, true},
			{23, 9, false},
			{24, 1, true},
			{24, 2, false},
			{25, 1, true},
			{99, 0, false},
		} {
			if got := waiting(test.epoch, test.seq); got != test.want {
				t.Errorf("waiting(%d, %d) is %v", test.epoch, test.seq, got)
			}
		}
		s.commit(1)
		h.next(t).commit(2)
		if b.Waiting()(20, 0) || !waiting(20, 0) {
			t.Error("what was answered still waits, or a snapshot changed")
		}
	})
}

// TestOverload: commands are refused while renewals still are not; then single
// beats and groups at their own limits. Refusing tells the judge once at least.
func TestOverload(t *testing.T) {
	cfg := Config{MaxSingles: 100, MaxGroupBeats: 1000, MaxCommands: 10, MaxCommandBytes: 5000}
	bubble(t, cfg, func(t *testing.T, b *bench) {
		overloaded := func(c <-chan answer) {
			t.Helper()
			if a := got(t, c); !errors.Is(a.err, ErrOverloaded) {
				t.Fatalf("got %v", a.err)
			}
		}
		overloaded(b.do(b.ctx, &registry.Grant{ID: string(make([]byte, 5000))}))
		gone, cancel := context.WithCancel(b.ctx)
		for range 10 {
			blocked(t, b.do(gone, grant("a")))
		}
		overloaded(b.do(b.ctx, grant("a")))
		for range 49 {
			b.beat(b.ctx, 1, 1)
		}
		if b.Refusing() {
			t.Error("no renewal was refused yet")
		}
		cancel() // room again
		synctest.Wait()
		blocked(t, b.do(b.ctx, grant("a")))
		b.beat(b.ctx, 1, 1)
		overloaded(b.do(b.ctx, grant("b"))) // half of the singles' room is taken
		for range 50 {
			blocked(t, b.beat(b.ctx, 1, 1))
		}
		overloaded(b.beat(b.ctx, 1, 1))
		overloaded(b.do(b.ctx, &registry.RenewNamed{}))
		blocked(t, b.group(b.ctx, "n", span(1, 1000-16)))
		blocked(t, b.group(b.ctx, "n", span(1, 1))) // counts as 16
		overloaded(b.group(b.ctx, "n", span(1, 1)))
		blocked(t, b.await(b.ctx))
		for range 2 {
			if !b.Refusing() {
				t.Error("renewals are refused, and it does not say so")
			}
		}
		b.Attach(&straight{}, true)
		<-time.After(time.Second)
		if !b.Refusing() || b.Refusing() {
			t.Error("the refusal since the last call is told once, then it is over")
		}
	})
}

// TestFramesAreBounded: a leader refuses a frame like its own clients' requests.
func TestFramesAreBounded(t *testing.T) {
	bubble(t, Config{MaxGroupBeats: 100, MaxCommands: 2, MaxInFlight: 1}, func(t *testing.T, b *bench) {
		h := newHand()
		b.Attach(h, true)
		b.await(b.ctx)
		h.next(t)
		blocked(t, b.forward(&registry.Renew{Beats: span(1, 40)}, grant("a"), grant("b")))
		for name, c := range map[string]<-chan answer{
			"beats":    b.forward(&registry.Renew{Beats: span(1, 61)}),
			"commands": b.forward(grant("c")),
		} {
			if a := got(t, c); !errors.Is(a.err, ErrOverloaded) {
				t.Errorf("%s: %v", name, a.err)
			}
		}
		blocked(t, b.forward(&registry.Renew{Beats: span(1, 60)}))
	})
}

// TestBarrier: it never shares an entry that was formed before the call.
func TestBarrier(t *testing.T) {
	bubble(t, Config{MaxInFlight: 2}, func(t *testing.T, b *bench) {
		h := newHand()
		b.Attach(h, true)
		first := b.await(b.ctx)
		one := h.next(t)
		second := b.await(b.ctx)
		two := h.next(t)
		third, fourth := b.await(b.ctx), b.await(b.ctx)
		h.none(t)
		one.commit(10)
		shared := h.next(t)
		checkShape(t, shared, "")
		two.fail(ErrNoLeader) // safe to send again
		shared.commit(12)
		<-time.After(time.Second)
		h.next(t).commit(13)
		for i, test := range []struct {
			c    <-chan answer
			want uint64
		}{{first, 10}, {second, 13}, {third, 12}, {fourth, 12}} {
			if a := got(t, test.c); a.err != nil || a.commit.Index != test.want {
				t.Errorf("barrier %d: %+v", i, a)
			}
		}
	})
}
