//go:build linux

package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func buryEverybody(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			say(t, w, http.StatusCreated, wire.Grant{Epoch: 7})
			return
		}
		say(t, w, http.StatusGone, wire.NewProblem(wire.CodeLeaseEnded, "too bad"))
	}
}

func TestADeathIsFound(t *testing.T) {
	f := against(t, buryEverybody(t))
	h := f.holders[0]
	if !h.register(t.Context()) || h.epoch != 7 {
		t.Fatalf("epoch %d", h.epoch)
	}
	h.keep(t.Context())
	found(t, f, "buried", early)
	if h.epoch != 0 {
		t.Error("it holds on")
	}
}

func TestADeathIsExcused(t *testing.T) {
	f := against(t, buryEverybody(t))
	h := f.holders[0]
	if !h.register(t.Context()) {
		t.Fatal("not registered")
	}
	f.clock.note(time.Now(), 2*excuse)
	h.keep(t.Context())
	found(t, f, "buried while the driver stood still")
	if len(f.ledger.unsure) != 1 {
		t.Error("nor is it noted")
	}
}

func TestReadsAreHeldAgainstHolders(t *testing.T) {
	var l wire.Lease
	age := "5"
	f := against(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(wire.HeaderStaleness, age)
		say(t, w, http.StatusOK, l)
	})
	r := &reader{fleet: f}
	h := f.holders[0]
	h.epoch, h.acked, h.begun = 7, 5, 6
	h.proofs = []proof{{4, time.Now().Add(-time.Minute)}, {5, time.Now().Add(-time.Second)}}
	for _, c := range []struct {
		name          string
		epoch, seq    uint64
		age           string
		linear, local []kind
	}{
		{"fresh", 7, 5, "5", nil, nil},
		{"the next one is there", 7, 6, "5", nil, nil},
		{"one behind", 7, 4, "5", []kind{stale}, []kind{stale}},
		{"one behind, and says so", 7, 4, "30000", []kind{stale}, nil},
		{"two behind, and says less", 7, 3, "30000", []kind{stale}, []kind{stale}},
		{"behind, and does not know", 7, 1, "9007199254740991", []kind{stale}, nil},
		{"what nobody sent", 7, 9, "5", []kind{twice}, nil},
		{"an older epoch", 6, 9, "5", []kind{stale}, nil},
	} {
		h.seen = 0
		l, age = wire.Lease{Epoch: c.epoch, Seq: c.seq}, c.age
		r.linearizable(t.Context(), h)
		found(t, f, c.name+", linearizable", c.linear...)
		r.local(t.Context(), h)
		found(t, f, c.name+", local", c.local...)
	}
	l.Seq, l.Epoch = 6, 7
	r.linearizable(t.Context(), h)
	l.Seq = 5
	r.linearizable(t.Context(), h)
	found(t, f, "what a read has seen the next one sees too", stale)
}
