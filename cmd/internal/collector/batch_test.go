package collector

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// shape writes a batch as a line: what a reader would call each command.
func shape(b *Batch) (line string) {
	for _, cmd := range b.Commands {
		switch cmd := cmd.(type) {
		case *registry.Renew:
			line += fmt.Sprintf("renew(%s)%d ", cmd.NS, cmd.Beats.Len())
		case *registry.RenewNamed:
			line += fmt.Sprintf("named-%s ", cmd.ID)
		case *registry.Grant:
			line += fmt.Sprintf("grant-%s ", cmd.ID)
		case *registry.Expire:
			line += fmt.Sprintf("expire%d ", len(cmd.Burials))
		}
	}
	return line
}

func checkShape(t *testing.T, s sent, want string) {
	t.Helper()
	if got := shape(s.Batch); got != want {
		t.Errorf("batch is %q, want %q", got, want)
	}
}

func grant(id string) *registry.Grant { return &registry.Grant{NS: "n", ID: id} }

// TestOrder fills the window, lets one of everything wait, and looks at the
// batch that comes of it: everybody gets their own result.
func TestOrder(t *testing.T) {
	bubble(t, Config{MaxInFlight: 1}, func(t *testing.T, b *bench) {
		h := newHand()
		b.Attach(h, true)
		barrier := b.await(b.ctx)
		first := h.next(t)
		checkShape(t, first, "")

		bury := &registry.Expire{Burials: make([]registry.Burial, 2)}
		a := b.do(b.ctx, grant("a"))
		named := b.do(b.ctx, &registry.RenewNamed{ID: "x", Epoch: 5, Seq: 6})
		one := b.beat(b.ctx, 1, 11)
		if !b.Bury(bury) {
			t.Error("the burial was not taken")
		}
		group := b.group(b.ctx, "shop", pack(7, 1, 8, 2))
		frame := b.forward(&registry.Renew{Beats: pack(20, 1, 21, 2)}, &registry.Renew{NS: "far", Beats: pack(22, 3)}, grant("f"))
		two := b.beat(b.ctx, 2, 12)
		verified := b.group(b.ctx, "", pack(30, 4))
		g := b.do(b.ctx, grant("g"))
		h.none(t)

		first.commit(1)
		second := h.next(t)
		checkShape(t, second, "renew()5 renew(shop)2 renew(far)1 grant-f grant-a named-x grant-g expire2 ")
		second.commit(2)
		if got(t, barrier).commit.Index != 1 {
			t.Error("the barrier has another index")
		}
		checkBeats(t, got(t, one), 1, 11)
		checkBeats(t, got(t, two), 2, 12)
		checkBeats(t, got(t, group), 7, 1, 8, 2)
		checkBeats(t, got(t, verified), 30, 4)
		checkBeats(t, got(t, frame), 20, 1, 21, 2, 22, 3)
		if r := got(t, named).result; r.Beats[0] != echoBeat(5, 6) {
			t.Errorf("renewal by name: %+v", r)
		}
		for id, c := range map[string]<-chan answer{"a": a, "g": g} {
			if r := got(t, c); r.result.Lease.ID != id || r.commit != (Commit{2, 2}) {
				t.Errorf("grant %s: %+v", id, r)
			}
		}
	})
}

func TestBatchLimits(t *testing.T) {
	cfg := Config{MaxInFlight: 1, MaxBatchBeats: 100, MaxBatchCommands: 2, MaxBatchBytes: 1000, MaxGroup: 150}
	bubble(t, cfg, func(t *testing.T, b *bench) {
		h := newHand()
		b.Attach(h, true)
		b.await(b.ctx)
		last := h.next(t)
		for i := range 120 {
			b.beat(b.ctx, uint64(1000+i), 1)
		}
		b.group(b.ctx, "n", span(1, 90))
		b.group(b.ctx, "n", span(1, 10))
		b.group(b.ctx, "n", span(1, 150))
		for _, id := range []string{"a", "b", "c"} {
			b.do(b.ctx, grant(id))
		}
		b.do(b.ctx, &registry.Grant{ID: "big", Spec: registry.Spec{Address: string(make([]byte, 5000))}})
		b.do(b.ctx, grant("d"))
		for _, want := range []string{
			"renew()100 grant-a grant-b ",
			"renew()20 grant-c ", // the group of 90 does not fit
			"renew(n)90 renew(n)10 ",
			"renew(n)150 ",
			"grant-big ",
			"grant-d ",
		} {
			last.commit(1)
			last = h.next(t)
			checkShape(t, last, want)
		}
		last.commit(1)
		h.none(t)
	})
}

func TestGroupTooLarge(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *bench) {
		for _, beats := range []registry.Beats{span(1, 10_001), span(1, 1)[:15]} {
			if a := got(t, b.group(b.ctx, "n", beats)); !errors.Is(a.err, ErrTooLarge) {
				t.Errorf("%d bytes: %v", len(beats), a.err)
			}
		}
	})
}

func TestTwoInFlight(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *bench) {
		h := newHand()
		b.Attach(h, false)
		one, two, three := b.beat(b.ctx, 1, 1), b.beat(b.ctx, 2, 1), b.beat(b.ctx, 3, 1)
		first, second := h.next(t), h.next(t)
		h.none(t)
		second.commit(2) // out of order
		third := h.next(t)
		checkBeats(t, got(t, two), 2, 1)
		blocked(t, one)
		first.commit(1)
		third.commit(3)
		checkBeats(t, got(t, one), 1, 1)
		checkBeats(t, got(t, three), 3, 1)
	})
}

// TestWrongResults makes sure that a sink that answers too little cannot give
// one caller another's result.
func TestWrongResults(t *testing.T) {
	for name, results := range map[string][]registry.Result{
		"none":      nil,
		"too many":  make([]registry.Result, 2),
		"too short": {{Beats: make([]registry.BeatResult, 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, b *bench) {
				h := newHand()
				b.Attach(h, false)
				a := b.group(b.ctx, "", pack(1, 1, 2, 2))
				h.next(t).done(results, Commit{}, nil)
				if err := got(t, a).err; err == nil || errors.Is(err, ErrNoLeader) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// TestDoneTwice makes sure that a sink's second word is not heard.
func TestDoneTwice(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *bench) {
		h := newHand()
		b.Attach(h, false)
		a := b.beat(b.ctx, 1, 1)
		s := h.next(t)
		s.commit(1)
		s.fail(ErrNoLeader)
		checkBeats(t, got(t, a), 1, 1)
		h.none(t)
		if n := b.Stats().InFlight; n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}

func TestOldest(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *bench) {
		h := newHand()
		b.Attach(h, false)
		b.beat(b.ctx, 1, 1)
		<-time.After(30 * time.Millisecond)
		b.beat(b.ctx, 2, 1)
		<-time.After(20 * time.Millisecond)
		first, second := h.next(t), h.next(t)
		for _, step := range []struct {
			then func()
			want time.Duration
		}{
			{func() {}, 50 * time.Millisecond},
			{func() { first.commit(1) }, 20 * time.Millisecond},
			{func() { b.Attach(newHand(), false) }, 0}, // what goes elsewhere is no delay here
			{func() { second.commit(2) }, 0},
		} {
			step.then()
			if got := b.Oldest(); got != step.want {
				t.Errorf("oldest is %v, want %v", got, step.want)
			}
		}
	})
}

// TestTaken: a caller is told that its command has its place before it is
// committed, and not when it is refused.
func TestTaken(t *testing.T) {
	bubble(t, Config{MaxCommands: 1}, func(t *testing.T, b *bench) {
		told := 0
		for range 2 {
			b.call(func() answer {
				_, _, err := b.DoInTurn(b.ctx, grant("a"), func() { told++ })
				return answer{err: err}
			})
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}
