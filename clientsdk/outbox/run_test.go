package outbox

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

func TestWhatWaitsIsSentInOrder(t *testing.T) {
	run(t, Config{}, func(t *testing.T, o *Outbox, c *cluster) {
		c.say(always(errAway))
		put(t, o, "a", 1)
		put(t, o, "b", 2)
		put(t, o, "a", 3)
		if err := o.Put(t.Context(), "a", clientsdk.Message{Binary: []byte("four")}); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		if n := o.Counts(); n.Pending != 4 || n.Bytes == 0 || len(c.arrived()) != 0 {
			t.Errorf("%+v, arrived %v", n, c.arrived())
		}
		c.say(nil)
		pass(time.Minute)
		want(t, c.arrived(), "a 1", "b 2", "a 3", "a four")
		if n := o.Counts(); n != (Counts{}) {
			t.Errorf("%+v", n)
		}
		put(t, o, "a", 5) // and at once from now on
		pass(0)
		want(t, c.arrived()[4:], "a 5")
	})
}

func TestEveryTryHasTheSameUUID(t *testing.T) {
	run(t, Config{}, func(t *testing.T, o *Outbox, c *cluster) {
		ids := map[string]int{}
		c.say(func(_ string, m clientsdk.Message) error { ids[m.ID]++; return nil })
		c.after = errAway // it arrives, and the answer is lost
		put(t, o, "a", 1)
		pass(time.Minute)
		c.mu.Lock()
		c.after = nil
		c.mu.Unlock()
		pass(time.Minute)
		want(t, c.arrived(), "a 1")
		if len(ids) != 1 || o.Counts().Pending != 0 {
			t.Errorf("%v, %+v", ids, o.Counts())
		}
	})
}

func TestPausesGrowAndAreBounded(t *testing.T) {
	run(t, Config{Pause: time.Second, MaxPause: time.Minute}, func(t *testing.T, o *Outbox, c *cluster) {
		c.say(always(errAway))
		put(t, o, "a", 1)
		put(t, o, "b", 2)
		pass(6 * time.Hour)
		for i, at := range c.tries[1:] {
			gap := at.Sub(c.tries[i])
			most := min(time.Second<<min(i, 10), time.Minute)
			if gap < most/2 || gap > most {
				t.Fatalf("pause %d is %v, want half of %v to all of it", i, gap, most)
			}
		}
		if o.Counts().SetAside != 0 {
			t.Error("nobody refused it, and it was set aside")
		}
	})
}

func TestRefusedTooOftenIsSetAside(t *testing.T) {
	var mu sync.Mutex
	var told []Entry
	config := Config{MaxTries: 3, OnSetAside: func(e Entry) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e)
		panic("is contained")
	}}
	run(t, config, func(t *testing.T, o *Outbox, c *cluster) {
		c.say(func(to string, m clientsdk.Message) error {
			if to == "bad" && fmt.Sprintf("%s", m.Body) == "2" {
				return errBad
			}
			return nil
		})
		put(t, o, "bad", 1, 2, 3)
		put(t, o, "good", 4)
		pass(0)
		want(t, c.arrived(), "bad 1", "good 4") // its line waits, others do not
		pass(time.Hour)
		want(t, c.arrived(), "bad 1", "good 4", "bad 3")
		if c.tried() != 3+3 {
			t.Errorf("%d tries", c.tried())
		}
		list, err := o.SetAside()
		if err != nil || len(list) != 1 || list[0].Tries != 3 || list[0].To != "bad" || list[0].Err == "" {
			t.Fatalf("%+v, %v", list, err)
		}
		if len(told) != 1 || told[0].Message.ID != list[0].Message.ID {
			t.Errorf("told %+v", told)
		}
		if n := o.Counts(); n.SetAside != 1 || n.Pending != 0 || n.Bytes == 0 {
			t.Errorf("%+v", n)
		}

		c.say(nil)
		if err := o.Retry(list[0].Message.ID); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		want(t, c.arrived()[3:], "bad 2")
		if n := o.Counts(); n != (Counts{}) {
			t.Errorf("%+v", n)
		}
	})
}

func TestWhatIsSetAsideCanBeDiscarded(t *testing.T) {
	run(t, Config{MaxTries: 1, MaxMessages: 1}, func(t *testing.T, o *Outbox, c *cluster) {
		c.say(always(errBad))
		put(t, o, "a", 1)
		pass(0)
		if err := o.Put(t.Context(), "a", clientsdk.Message{}); !errors.Is(err, ErrFull) {
			t.Errorf("what is set aside does not count: %v", err)
		}
		list, _ := o.SetAside()
		for _, wanted := range []error{nil, ErrNotFound} {
			if err := o.Discard(list[0].Message.ID); !errors.Is(err, wanted) {
				t.Errorf("got %v, want %v", err, wanted)
			}
		}
		if err := o.Retry("nobody"); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if n := o.Counts(); n != (Counts{}) {
			t.Errorf("%+v", n)
		}
		put(t, o, "a", 2)
	})
}

func TestWhatCountsAsATry(t *testing.T) {
	for _, e := range []struct {
		err    error
		all    bool
		counts bool
	}{
		{errBad, false, true},
		{wire.NewProblem(wire.CodeForbidden, ""), false, true},
		{wire.NewProblem(wire.CodeTooLarge, ""), false, true},
		{wire.NewProblem(wire.CodeUnauthenticated, ""), false, false},
		{wire.NewProblem(wire.CodeNoLeader, ""), false, false},
		{wire.NewProblem(wire.CodeInternal, ""), false, false},
		{wire.NewProblem(wire.CodeRateLimited, ""), false, false},
		{errFull, false, false},
		{errAway, false, false},
		{&clientsdk.StatusError{Status: 404}, false, false},
		{errAway, true, true},
		{errFull, true, true},
	} {
		run(t, Config{MaxTries: 3, CountAll: e.all}, func(t *testing.T, o *Outbox, c *cluster) {
			c.say(always(e.err))
			put(t, o, "a", 1)
			pass(time.Hour)
			if aside := o.Counts().SetAside == 1; aside != e.counts || c.tried() < 3 {
				t.Errorf("%v: set aside %v after %d tries", e.err, aside, c.tried())
			}
		})
	}
}

func TestAFullMailboxHoldsUpNobodyElse(t *testing.T) {
	run(t, Config{}, func(t *testing.T, o *Outbox, c *cluster) {
		c.say(func(to string, _ clientsdk.Message) error {
			if to == "full" {
				return errFull
			}
			return nil
		})
		put(t, o, "full", 1, 2)
		put(t, o, "a", 3, 4)
		pass(time.Hour)
		want(t, c.arrived(), "a 3", "a 4")
		c.say(nil)
		pass(time.Minute)
		want(t, c.arrived(), "a 3", "a 4", "full 1", "full 2")
	})
}

func TestRunIsOnlyOnce(t *testing.T) {
	run(t, Config{}, func(t *testing.T, o *Outbox, c *cluster) {
		pass(0)
		if err := o.Run(t.Context()); !errors.Is(err, ErrRunning) {
			t.Errorf("a second run: %v", err)
		}
	})
	o := open(t, newPath(t), Config{})
	if err := o.Run(t.Context()); !errors.Is(err, errNoSender) {
		t.Errorf("without a sender: %v", err)
	}
	_ = o.Close()
	if err := o.Run(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

func TestLinesKeepTheOrderOfEachMailbox(t *testing.T) {
	l := lines{byTo: map[string]*line{}}
	for i := range 1000 {
		l.join(fmt.Sprint(i%7), uint64(i+1))
	}
	now := time.Now()
	l.pauseOf("3").until = now.Add(time.Minute)
	var got []uint64
	for {
		key, again := l.next(now)
		if key == 0 {
			if !again.Equal(now.Add(time.Minute)) {
				t.Errorf("again at %v", again)
			}
			break
		}
		got = append(got, key)
		l.leave(fmt.Sprint((key-1)%7), key)
	}
	if len(got) != 1000-143 || !slices.IsSorted(got) {
		t.Errorf("%d, in order: %v", len(got), slices.IsSorted(got))
	}
	if key, _ := l.next(now.Add(time.Hour)); key != 4 {
		t.Errorf("the oldest of the line that rested is %d", key)
	}
}
