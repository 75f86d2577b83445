package watch

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

func identity(id string) registry.Identity { return registry.Identity{NS: "default", ID: id} }

func TestBells(t *testing.T) {
	h := newTestHub(t, new(source), Config{})
	one, two := h.Listen(), h.Listen()
	for _, id := range []string{"a", "b", "b"} {
		if err := one.Add(identity(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := two.Add(identity("b")); err != nil {
		t.Fatal(err)
	}
	rang := func(l *Listener, want ...string) {
		t.Helper()
		if ready(l.C()) != (len(want) > 0) {
			t.Errorf("woken: %v", len(want) == 0)
		}
		if got := l.Take(); fmt.Sprint(got) != fmt.Sprint(identities(want)) {
			t.Errorf("rang: %v, want %v", got, want)
		}
	}
	h.Publish(&registry.Outcome{Revision: 1, Mail: []registry.Identity{identity("b"), {NS: "other", ID: "a"}}})
	h.Publish(&registry.Outcome{Revision: 2, Mail: []registry.Identity{identity("b"), identity("c")}})
	rang(one, "b")
	rang(two, "b")
	rang(one)
	one.Remove(identity("b"))
	one.Remove(identity("x"))
	h.bells.ring(identities([]string{"a", "b"}))
	rang(one, "a")
	rang(two, "b")
	h.Reset(3)
	rang(one, "a")
	rang(two, "b")
	h.bells.ring(identities([]string{"a"}))
	one.Remove(identity("a"))
	if got := one.Take(); len(got) != 0 {
		t.Errorf("a removed bell rang: %v", got)
	}
	one.Close()
	two.Close()
	two.Close()
	if h.bells.count != 0 || len(h.bells.of) != 0 {
		t.Errorf("%d bells are left", h.bells.count)
	}
}

func identities(ids []string) []registry.Identity {
	all := make([]registry.Identity, len(ids))
	for i, id := range ids {
		all[i] = identity(id)
	}
	return all
}

// TestManyRungBellsGoAtOnce: a listener that closes holds the lock which
// Publish waits for under that of the replica.
func TestManyRungBellsGoAtOnce(t *testing.T) {
	h := newTestHub(t, new(source), Config{})
	l := h.Listen()
	for i := range 100_000 {
		if err := l.Add(identity(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	h.Reset(1)
	began := time.Now()
	l.Close()
	if took := time.Since(began); took > 5*time.Second || h.bells.count != 0 || len(l.Take()) != 0 {
		t.Errorf("it took %v, %d bells are left", took, h.bells.count)
	}
}

func TestBellsAreBounded(t *testing.T) {
	h := newTestHub(t, new(source), Config{Bells: 3})
	one, two := h.Listen(), h.Listen()
	for i, l := range []*Listener{one, two, one} {
		if err := l.Add(identity(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := two.Add(identity("x")); !errors.Is(err, ErrTooMany) {
		t.Errorf("error %v", err)
	}
	one.Remove(identity("0"))
	if err := two.Add(identity("x")); err != nil {
		t.Error(err)
	}
}

// TestBellsOfOneID: whoever of many leaves, the others are still rung.
func TestBellsOfOneID(t *testing.T) {
	b := newBells(100)
	var left []*Listener
	for range 5 {
		l := b.listen()
		if err := l.Add(identity("a")); err != nil {
			t.Fatal(err)
		}
		left = append(left, l)
	}
	for _, leaves := range []int{1, 0, 2, 0, 0} {
		left[leaves].Close()
		left = append(left[:leaves], left[leaves+1:]...)
		b.ring([]registry.Identity{identity("a")})
		for i, l := range left {
			if len(l.Take()) != 1 {
				t.Errorf("listener %d of %d was not rung", i, len(left))
			}
		}
	}
}

// TestNobodyMissesABell: what is rung after Add is told, by the channel or by
// a Take that comes later anyway.
func TestNobodyMissesABell(t *testing.T) {
	const rings = 1000
	h := newTestHub(t, new(source), Config{})
	var at [4]int
	var mu sync.Mutex
	var listening sync.WaitGroup
	for i := range at {
		l := h.Listen()
		if err := l.Add(identity(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		listening.Go(func() {
			for last := 0; last < rings; {
				<-l.C()
				l.Take()
				mu.Lock()
				last = at[i]
				mu.Unlock()
			}
		})
	}
	for n := 1; n <= rings; n++ {
		for i := range at {
			mu.Lock()
			at[i] = n
			mu.Unlock()
			h.bells.ring([]registry.Identity{identity(fmt.Sprint(i))})
		}
	}
	listening.Wait()
}
