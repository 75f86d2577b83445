//go:build linux

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestSilentLeasesAreJudged(t *testing.T) {
	f := alone(t)
	s := f.silents
	at := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	one := &silence{id: "silent-1", epoch: 7, seq: 3, before: at, after: at.Add(100 * time.Millisecond)}
	certificate := func(after time.Duration, seq uint64) *wire.Certificate {
		return &wire.Certificate{Epoch: 7, Cause: "expired", At: wire.Time(at.Add(after).UnixMilli()), LastSeq: seq}
	}
	stalled := certificate(12*time.Second, 3)
	stalled.JudgeStallMS = 4_000
	left := certificate(silentTTL, 3)
	left.Cause = "left"
	for _, c := range []struct {
		name string
		c    *wire.Certificate
		want []kind
	}{
		{"on time", certificate(silentTTL+300*time.Millisecond, 3), nil},
		{"early", certificate(silentTTL-200*time.Millisecond, 3), []kind{early}},
		{"late", certificate(silentTTL+2*time.Second, 3), []kind{late}},
		{"late after a stall", stalled, nil},
		{"without its renewal", certificate(silentTTL+time.Second/2, 2), []kind{lost}},
		{"with another renewal", certificate(silentTTL+time.Second/2, 4), []kind{twice}},
		{"otherwise", left, []kind{late}},
	} {
		if !s.judgeOne(one, map[uint64]wire.Event{7: {Certificate: c.c}}) {
			t.Errorf("%s: not judged", c.name)
		}
		found(t, f, c.name, c.want...)
	}
	if !s.judgeOne(one, nil) {
		t.Error("a minute is not enough")
	}
	found(t, f, "never", late)
	fresh := &silence{before: time.Now(), after: time.Now()}
	s.open = []*silence{one, fresh}
	s.judge(nil)
	found(t, f, "one of two", late)
	if len(s.open) != 1 || s.open[0] != fresh {
		t.Errorf("%d are left", len(s.open))
	}
}

// TestReplaysThatWork lets a node take old beats for new ones.
func TestReplaysThatWork(t *testing.T) {
	f := against(t, func(w http.ResponseWriter, r *http.Request) {
		var beat wire.Heartbeat
		if err := json.NewDecoder(r.Body).Decode(&beat); err != nil {
			t.Error(err)
		}
		say(t, w, http.StatusOK, wire.Renewed{Epoch: beat.Epoch, Seq: beat.Seq})
	})
	ctx, cancel := context.WithTimeout(t.Context(), replayEvery+replayEvery/2)
	defer cancel()
	f.silents.replay(ctx, 1, silence{id: "silent-1", epoch: 7, seq: 3, after: time.Now()})
	found(t, f, "replay", twice)
}

func TestStallsExcuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c.run(ctx)
		if c.stalledSince(began) != 0 || c.count() != 0 {
			t.Error("it ran all the time")
		}
		c.note(time.Now(), time.Second)
		c.note(time.Now(), time.Second)
		if c.stalledSince(began) != 2*time.Second || c.stalledSince(time.Now()) != 0 || c.count() != 2 {
			t.Error("stalls are not noted")
		}
	})
}
