//go:build linux

package main

import (
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestPagesOfMailAreJudged(t *testing.T) {
	f := alone(t)
	for _, c := range []struct {
		name string
		page wire.MessagesPage
		want []kind
	}{
		{"new", wire.MessagesPage{Messages: []wire.Message{{ID: "a", Offset: 5}, {ID: "b", Offset: 6}}}, nil},
		{"acknowledged before", wire.MessagesPage{Messages: []wire.Message{{ID: "a", Offset: 4}}}, []kind{lost}},
		{"mixed up", wire.MessagesPage{Messages: []wire.Message{{ID: "a", Offset: 6}, {ID: "b", Offset: 5}}}, []kind{gap}},
		{"dropped", wire.MessagesPage{Gap: &wire.Gap{From: 1, To: 2}}, []kind{lost}},
	} {
		b := newBox(f, 0)
		b.done = 4
		r := &addressee{box: b}
		r.check(c.page)
		found(t, f, c.name, c.want...)
	}
}

func TestUnreadMailIsJudged(t *testing.T) {
	f := alone(t)
	b := newBox(f, 0)
	long := time.Now().Add(-time.Hour)
	b.done, b.seen["a"] = 4, true
	b.sent = []letter{{"a", 3, long}, {"b", 4, long}, {"c", 5, long}, {"d", 4, time.Now()}}
	b.judge(time.Now().Add(-time.Minute))
	found(t, f, "b was acknowledged and never read", lost)
	if len(b.sent) != 2 || len(b.seen) != 0 {
		t.Errorf("left %v, seen %v", b.sent, b.seen)
	}
}

func TestLedger(t *testing.T) {
	l := newLedger()
	l.answered(&answer{status: 200, got: time.Now().Add(time.Minute)}, true)
	l.answered(&answer{status: 503}, true)
	l.answered(&answer{status: 200}, false)
	l.find(early, "one")
	got := l.take(0)
	if got.asked != 3 || got.acked != 1 || got.outage < 59*time.Second || got.of(early, lost) != 1 || got.of(gap) != 0 {
		t.Errorf("%+v", got)
	}
	for range 2 * maxFindings {
		l.find(gap, "more")
	}
	if got := l.take(1); got.asked != 0 || len(got.findings) != maxFindings-1 || l.found != 2*maxFindings+1 {
		t.Errorf("%d asked, %d findings of %d", got.asked, len(got.findings), l.found)
	}
}
