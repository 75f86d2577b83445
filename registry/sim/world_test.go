package sim

import (
	"slices"
	"testing"
	"time"
)

// A seed that fails must fail again.
func TestSameSeedSameRun(t *testing.T) {
	used := NewWorld()
	for seed := uint64(1); seed <= 5; seed++ {
		a, _ := NewWorld().Run(seed, Options{})
		b, f := used.Run(seed, Options{Trace: true})
		if a != b || f != nil {
			t.Errorf("seed %d: %+v, then %+v (%v)", seed, a, b, f)
		}
	}
}

// A simulation in which nothing happens finds nothing.
func TestEverythingHappens(t *testing.T) {
	r, f := sweep(1, 20, Options{}, func(int) {})
	if f != nil {
		t.Fatal(explain(f, Options{}))
	}
	for name, count := range map[string]int{
		"leaders": r.Leaders, "pauses": r.Pauses, "suspends": r.Suspends, "crashes": r.Crashes, "partitions": r.Partitions,
		"stalls": r.Stalls, "leaves": r.Leaves, "lost entries": r.Lost, "watchers that begin anew": r.Compacted,
		"expired messages": r.Expired,
	} {
		if count < 10 {
			t.Errorf("%d %s in 20 seeds", count, name)
		}
	}
	for name, count := range map[string]int{
		"grants": r.Grants, "renewals": r.Renewals, "duplicates": r.Duplicates, "burials": r.Burials, "bounds": r.Bounded,
		"messages": r.Letters, "answers about mail": r.Mail,
		"watched": r.Watched,
	} {
		if count < 300 {
			t.Errorf("%d %s in 20 seeds", count, name)
		}
	}
}

// A failure is reported with what came before it.
func TestFailureHasATrace(t *testing.T) {
	_, f := NewWorld().Run(1, Options{Trace: true, Bugs: Bugs{AckBeforeCommit: true}})
	if f == nil || len(f.Trace) == 0 || len(f.Trace) > traceLength || f.Seed != 1 || f.At == 0 {
		t.Errorf("%+v", f)
	}
}

func TestQueueKeepsOrder(t *testing.T) {
	var q queue
	r := random(1)
	for range 2 { // the second time with used memory
		q.reset()
		var model []event
		for i := range 20_000 {
			if len(model) == 0 || r.p(0.52) && i < 15_000 {
				at := q.now + r.between(0, []time.Duration{2e6, 1e9, 20e9}[r.n(3)])
				q.push(at, evHeartbeat, 0, uint32(i))
				model = append(model, event{at: at, tie: q.ties, arg: uint32(i)})
				continue
			}
			least := slices.MinFunc(model, func(a, b event) int {
				if a.before(&b) {
					return -1
				}
				return 1
			})
			next, list := q.next()
			if *next != least {
				t.Fatalf("event %d: %+v, want %+v", i, *next, least)
			}
			q.take(list)
			q.now = least.at
			model = slices.DeleteFunc(model, func(e event) bool { return e == least })
		}
	}
}

func TestRandomStaysInBounds(t *testing.T) {
	r := random(7)
	for range 10_000 {
		if d := r.between(3, 5); d < 3 || d > 5 {
			t.Fatalf("between 3 and 5: %d", d)
		}
		if n := r.n(4); n < 0 || n > 3 {
			t.Fatalf("below 4: %d", n)
		}
	}
	if r.between(5, 3) != 5 || r.p(0) || !r.p(1) {
		t.Error("edges")
	}
}
