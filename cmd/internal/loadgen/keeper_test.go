package loadgen

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// herdOf is one of n leases that a registry has granted.
func herdOf(t *testing.T, registry http.Handler, n int) *run {
	t.Helper()
	herd := newHerd(Target{Endpoints: []string{serve(t, registry)}}.withDefaults(), n, time.Minute)
	herd.cfg.Batch = 4
	if grants, err := herd.grow(t.Context()); err != nil || grants.done.Load() != int64(n) {
		t.Fatal(err, grants.done.Load())
	}
	return herd
}

func TestKeepersRenewAllInBatches(t *testing.T) {
	registry := newFakeRegistry()
	herd := herdOf(t, registry, 10)
	crew := newKeepers(t.Context(), &herd.cfg, 2, herd.leases)
	if len(crew) != 2 || len(newKeepers(t.Context(), &herd.cfg, 9, herd.leases)) != 3 || len(newKeepers(t.Context(), &herd.cfg, 9, nil)) != 0 {
		t.Fatalf("%d keepers", len(crew))
	}
	batches, beats := 0, 0
	for _, k := range crew {
		k.round(k.leases, func(batch []lease, _ map[uint64]bool, sent, answered time.Time) {
			batches++
			beats += len(batch)
			if answered.Before(sent) {
				t.Error("answered before it was sent")
			}
		})
		k.conn.close()
	}
	if batches != 4 || beats != 10 {
		t.Errorf("%d batches of %d beats", batches, beats)
	}
	for _, l := range herd.leases {
		if l.seq != 1 || registry.byID[l.id].Seq != 1 || registry.byID[l.id].Address == "" || len(l.id) != fullID {
			t.Errorf("lease %+v", l)
		}
	}
}

func TestKeepersTryABatchUntilItIsAnswered(t *testing.T) {
	registry := newFakeRegistry()
	herd := herdOf(t, registry, 4)
	tries := 0
	registry.refuse = func(*http.Request) *wire.Problem {
		switch tries++; tries {
		case 1:
			return wire.NewProblem(wire.CodeNoLeader, "")
		case 2:
			panic(http.ErrAbortHandler)
		}
		return nil
	}
	k := newKeepers(t.Context(), &herd.cfg, 1, herd.leases)[0]
	defer k.conn.close()
	told := 0
	k.round(k.leases, func([]lease, map[uint64]bool, time.Time, time.Time) { told++ })
	if tries != 3 || told != 1 || herd.leases[3].seq != 1 || k.beats.failed.Load() != 8 || k.beats.missed != 2 || k.beats.done.Load() != 4 {
		t.Errorf("%d tries, told of %d, lease %+v, errors %v", tries, told, herd.leases[3], k.beats.errors)
	}
}

func TestKeepersKnowWhatEnded(t *testing.T) {
	registry := newFakeRegistry()
	herd := herdOf(t, registry, 4)
	registry.end(registry.byID[herd.leases[2].id], "evicted")
	k := newKeepers(t.Context(), &herd.cfg, 1, herd.leases)[0]
	defer k.conn.close()
	refused := map[uint64]bool{}
	k.round(k.leases, func(_ []lease, epochs map[uint64]bool, _, _ time.Time) { refused = epochs })
	if len(refused) != 1 || !refused[herd.leases[2].epoch] {
		t.Errorf("refused %v", refused)
	}
	if k.beats.lost != 1 || k.beats.done.Load() != 3 || herd.leases[2].seq != 0 || herd.leases[3].seq != 1 {
		t.Errorf("lost %d, leases %+v", k.beats.lost, herd.leases)
	}
}

func TestKeepersCountOnceWhatTheyWereLateFor(t *testing.T) {
	registry := newFakeRegistry()
	herd := herdOf(t, registry, 4)
	for _, i := range []int{1, 2} {
		registry.end(registry.byID[herd.leases[i].id], "expired")
	}
	herd.leases[1].renewed -= 2 * time.Minute.Milliseconds()
	k := newKeepers(t.Context(), &herd.cfg, 1, herd.leases)[0]
	defer k.conn.close()
	k.round(k.leases, nil)
	k.round(k.leases, nil)
	if k.beats.late != 1 || k.beats.missed != 0 || k.beats.failed.Load() != 4 {
		t.Errorf("late %d, missed %d, errors %v", k.beats.late, k.beats.missed, k.beats.errors)
	}
}

func TestKeepersGiveUpWhatIsRefusedForGood(t *testing.T) {
	registry := newFakeRegistry()
	herd := herdOf(t, registry, 4)
	registry.refuse = func(*http.Request) *wire.Problem { return wire.NewProblem(wire.CodeInvalidRequest, "") }
	k := newKeepers(t.Context(), &herd.cfg, 1, herd.leases)[0]
	defer k.conn.close()
	k.round(k.leases, func([]lease, map[uint64]bool, time.Time, time.Time) { t.Error("told of a refusal") })
	if herd.leases[0].seq != 0 || k.beats.errors["invalid_request"] != 4 {
		t.Errorf("lease %+v, errors %v", herd.leases[0], k.beats.errors)
	}
}

func TestBeatersKeepTheirTimetable(t *testing.T) {
	registry := newFakeRegistry()
	herd := herdOf(t, registry, 8)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		rate  float64
		crew  int
		every time.Duration
	}{
		{5, 1, 200 * time.Millisecond},
		{40, 5, 125 * time.Millisecond},
		{8_000, 8, time.Millisecond},
	} {
		b := newBeaters(ctx, &herd.cfg, herd.leases, test.rate)
		if len(b.crew) != test.crew || b.crew[0].every != test.every || len(b.living()) != 8 {
			t.Errorf("%v a second: %d beaters, each every %v", test.rate, len(b.crew), b.crew[0].every)
		}
	}
}
