package clientsdk

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestRegisterKeepsAliveForHours(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		epoch := l.Epoch()
		pass(6 * time.Hour)
		if !l.Valid() || l.Epoch() != epoch || l.Status().State != Connected {
			t.Fatalf("after six quiet hours: valid %v, epoch %d (was %d), %v", l.Valid(), l.Epoch(), epoch, l.Status())
		}
		beats := len(b.record("POST"))
		if want := int(6 * time.Hour / (testTTL / 3)); beats < want*98/100 || beats > want*102/100 {
			t.Errorf("%d heartbeats in six hours, want about %d, one every T/3", beats, want)
		}
	})
}

func TestHeartbeatsAreJittered(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.register(t, nil)
		pass(10 * time.Minute)
		beats := b.record("POST")
		early, late := 0, 0
		for i := range beats[1:] {
			gap := beats[i+1].at.Sub(beats[i].at)
			if gap < testTTL/3*9/10 || gap > testTTL/3*11/10+time.Millisecond {
				t.Fatalf("gap of %v, want T/3 give or take a tenth", gap)
			}
			if gap < testTTL/3 {
				early++
			} else {
				late++
			}
		}
		if early < 30 || late < 30 {
			t.Errorf("%d gaps below T/3 and %d above, want both", early, late)
		}
	})
}

func TestRegisterReturnsDefiniteRefusals(t *testing.T) {
	for _, a := range []struct {
		status int
		code   wire.Code
	}{
		{400, wire.CodeInvalidRequest},
		{401, wire.CodeUnauthenticated},
		{403, wire.CodeForbidden},
		{404, wire.CodeNotFound},
		{405, wire.CodeMethodNotAllowed},
		{412, wire.CodeIDTaken},
		{413, wire.CodeTooLarge},
		{415, wire.CodeUnsupportedMediaType},
	} {
		bubble(t, func(t *testing.T, b *bench) {
			b.all(func(n *modelNode) { n.script = []answer{problem(a.status, a.code)} })
			start := time.Now()
			l, err := b.client.Register(t.Context(), Registration{ID: "web-1"})
			if CodeOf(err) != a.code || l != nil {
				t.Errorf("%d %s: got lease %v, error %v", a.status, a.code, l, err)
			}
			if time.Since(start) != 0 {
				t.Errorf("%s came only after %v", a.code, time.Since(start))
			}
		})
	}
}

func TestRegisterReturnsWhatAProxyRefuses(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.script = []answer{{404, "<h1>nginx</h1>"}} })
		_, err := b.client.Register(t.Context(), Registration{ID: "web-1"})
		if s, ok := errors.AsType[*StatusError](err); !ok || s.Status != 404 {
			t.Errorf("got %v, want the proxy's 404", err)
		}
	})
}

func TestRegisterOutlastsEverythingElse(t *testing.T) {
	faults := map[string]struct{ begin, end func(*modelNode) }{
		"refused":   {func(n *modelNode) { n.down = true }, func(n *modelNode) { n.down = false }},
		"silent":    {func(n *modelNode) { n.silent = true }, func(n *modelNode) { n.silent = false }},
		"no leader": {func(n *modelNode) { n.noLeader = true }, func(n *modelNode) { n.noLeader = false }},
		"internal":  {func(n *modelNode) { n.script = slices.Repeat([]answer{problem(500, wire.CodeInternal)}, 1e5) }, clearScript},
		"overload":  {func(n *modelNode) { n.script = slices.Repeat([]answer{problem(503, wire.CodeOverloaded)}, 1e5) }, clearScript},
		"limited":   {func(n *modelNode) { n.script = slices.Repeat([]answer{problem(429, wire.CodeRateLimited)}, 1e5) }, clearScript},
		"gateway":   {func(n *modelNode) { n.script = slices.Repeat([]answer{{502, "bad gateway"}}, 1e5) }, clearScript},
		"portal":    {func(n *modelNode) { n.script = slices.Repeat([]answer{{200, "log in here"}}, 1e5) }, clearScript},
		"empty":     {func(n *modelNode) { n.script = slices.Repeat([]answer{{200, struct{}{}}}, 1e5) }, clearScript},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				b.all(fault.begin)
				l := b.client.Start(t.Context(), Registration{ID: "web-1", TTL: testTTL})
				pass(3 * time.Hour)
				if s := l.Status(); done(l) || s.State != Connecting || s.Err == nil || l.Valid() || l.Epoch() != 0 {
					t.Fatalf("after three hours: %v, valid %v, epoch %d", s, l.Valid(), l.Epoch())
				}
				b.all(fault.end)
				pass(10 * time.Second)
				if !l.Valid() || l.Status().State != Connected {
					t.Fatalf("10 s after it ended: %v, valid %v", l.Status(), l.Valid())
				}
			})
		})
	}
}

func clearScript(n *modelNode) { n.script = nil }

func TestHeartbeatOutlastsEverything(t *testing.T) {
	answers := []answer{
		problem(400, wire.CodeInvalidRequest), problem(401, wire.CodeUnauthenticated), problem(403, wire.CodeForbidden),
		problem(404, wire.CodeNotFound), problem(405, wire.CodeMethodNotAllowed), problem(413, wire.CodeTooLarge),
		problem(429, wire.CodeRateLimited), problem(500, wire.CodeInternal), problem(503, wire.CodeNoLeader),
		problem(503, wire.CodeOverloaded), problem(503, wire.CodeTooStale),
		{404, "nginx"},
		{200, "log in here"},
		{302, "elsewhere"},
		{200, struct{}{}},
	}
	for _, a := range answers {
		bubble(t, func(t *testing.T, b *bench) {
			lost := new(journal[*LostError])
			l := b.register(t, func(r *Registration) { r.OnLost = lost.add })
			first := l.Epoch()
			b.all(func(n *modelNode) { n.script = slices.Repeat([]answer{a}, 1e5) })
			pass(20 * time.Minute)
			if done(l) || l.Valid() || l.Epoch() != first || l.Status().State != Reconnecting {
				t.Fatalf("%v: valid %v, epoch %d (was %d), %v", a, l.Valid(), l.Epoch(), first, l.Status())
			}
			if len(lost.all()) != 0 {
				t.Errorf("%v: lost without a word of the cluster's: %v", a, lost.all())
			}
			b.all(clearScript)
			pass(testTTL)
			if !l.Valid() || l.Epoch() <= first || len(lost.all()) != 1 {
				t.Errorf("%v: not taken up again: %v, lost %v", a, l.Status(), lost.all())
			}
		})
	}
}

func TestTriesAndRotation(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.forgetHits()
		b.all(func(n *modelNode) { n.silent = true })
		for l.Valid() {
			pass(50 * time.Millisecond)
		}
		beats := b.record("POST")
		if len(beats) < 4 {
			t.Fatalf("%d tries before T had run out, want 4 or more", len(beats))
		}
		for i, h := range beats[1:] {
			if h.node == beats[i].node {
				t.Errorf("try %d went to %s again", i+1, h.node)
			}
			if gap := h.at.Sub(beats[i].at); gap < testTTL/6 {
				t.Errorf("try %d came after %v, before the one before it had its T/6", i+1, gap)
			}
		}
		first := seqs(t, beats[:heartbeatTries])
		if first[0] != first[1] || first[1] != first[2] {
			t.Errorf("the tries of one heartbeat carry seqs %v, want one", first)
		}
		if next := seqs(t, beats[3:4]); next[0] != first[0]+1 {
			t.Errorf("the next heartbeat has seq %d after %d", next[0], first[0])
		}
	})
}

// seqs are the seqs of heartbeats.
func seqs(t *testing.T, beats []hit) []uint64 {
	t.Helper()
	list := make([]uint64, len(beats))
	for i, h := range beats {
		var hb wire.Heartbeat
		if err := json.Unmarshal([]byte(h.body), &hb); err != nil {
			t.Fatalf("heartbeat %q: %v", h.body, err)
		}
		list[i] = hb.Seq
	}
	return list
}

func TestOneNodeOfThreeCarriesTheLease(t *testing.T) {
	for _, fault := range []func(*modelNode){
		func(n *modelNode) { n.down = true },
		func(n *modelNode) { n.silent = true },
		func(n *modelNode) { n.noLeader = true },
	} {
		bubble(t, func(t *testing.T, b *bench) {
			lost := new(journal[*LostError])
			l := b.register(t, func(r *Registration) { r.OnLost = lost.add })
			for round := range 60 { // whichever it is that answers
				for i, name := range []string{"n1", "n2", "n3"} {
					b.node(name, func(n *modelNode) {
						*n = modelNode{}
						if i != round%3 {
							fault(n)
						}
					})
				}
				for range 20 {
					pass(time.Second)
					if !l.Valid() {
						t.Fatalf("round %d: invalid while a node answers: %v", round, l.Status())
					}
				}
			}
			if len(lost.all()) > 0 {
				t.Fatalf("lost %v", lost.all())
			}
		})
	}
}

func TestStaleSequenceGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		epoch := l.Epoch()
		b.with(func(c *cluster) { c.leases["web-1"].seq = 500 })
		b.forgetHits()
		pass(testTTL/3*11/10 + testTTL/24)
		if got := seqs(t, b.record("POST")); !slices.Equal(got, []uint64{1, 501}) && !slices.Equal(got, []uint64{1, 501, 502}) {
			t.Errorf("seqs sent %v, want 1 and then 501", got)
		}
		pass(time.Hour)
		if !l.Valid() || l.Epoch() != epoch {
			t.Errorf("valid %v, epoch %d, was %d", l.Valid(), l.Epoch(), epoch)
		}
	})
}

func TestLossesThatAreMended(t *testing.T) {
	cases := map[Cause]func(*cluster){
		Expired: func(c *cluster) { c.end(c.leases["web-1"], Expired) },
		Unknown: func(c *cluster) {
			c.end(c.leases["web-1"], Expired)
			clear(c.ended)
		},
	}
	for cause, end := range cases {
		bubble(t, func(t *testing.T, b *bench) {
			lost := new(journal[*LostError])
			states := new(journal[Status])
			l := b.register(t, func(r *Registration) { r.OnLost, r.OnState = lost.add, states.add })
			first := l.Epoch()
			b.with(end)
			pass(testTTL / 2)
			if !l.Valid() || l.Epoch() <= first {
				t.Errorf("%s: epoch %d after %d, valid %v", cause, l.Epoch(), first, l.Valid())
			}
			got := lost.all()
			if len(got) != 1 || got[0].Cause != cause || got[0].Epoch != first || got[0].Final {
				t.Fatalf("%s: reported %v", cause, got)
			}
			if (got[0].Certificate != nil) != (cause == Expired) {
				t.Errorf("%s: certificate %v", cause, got[0].Certificate)
			}
			if !errors.Is(got[0], causeErrors[cause]) {
				t.Errorf("%v is not %v", got[0], causeErrors[cause])
			}
			if s := statesOf(states.all()); !slices.Equal(s, []State{Connecting, Connected, Reconnecting, Connected}) {
				t.Errorf("%s: states %v", cause, s)
			}
		})
	}
}

func statesOf(list []Status) []State {
	states := make([]State, len(list))
	for i, s := range list {
		states[i] = s.State
	}
	return states
}

func TestLossesThatEndIt(t *testing.T) {
	cases := map[Cause]func(*cluster){
		Evicted: func(c *cluster) { c.end(c.leases["web-1"], Evicted) },
		Left:    func(c *cluster) { c.end(c.leases["web-1"], Left) },
		Replaced: func(c *cluster) {
			c.end(c.leases["web-1"], Replaced)
			c.revision++
			c.leases["web-1"] = &modelLease{id: "web-1", epoch: c.revision, live: true, deadline: c.now().Add(time.Hour)}
		},
	}
	for cause, end := range cases {
		bubble(t, func(t *testing.T, b *bench) {
			lost := new(journal[*LostError])
			l := b.register(t, func(r *Registration) { r.OnLost = lost.add })
			b.with(end)
			pass(testTTL / 2)
			gone, ok := errors.AsType[*LostError](l.Err())
			if !done(l) || !ok || gone.Cause != cause || !gone.Final {
				t.Fatalf("%s: done %v, error %v", cause, done(l), l.Err())
			}
			if l.Valid() || l.Epoch() != 0 || l.Status().State != Disconnected {
				t.Errorf("%s: valid %v, epoch %d, %v", cause, l.Valid(), l.Epoch(), l.Status())
			}
			if len(lost.all()) != 1 {
				t.Errorf("%s: reported %v", cause, lost.all())
			}
			if cause == Replaced && gone.CurrentEpoch == 0 {
				t.Errorf("the new holder's epoch is missing: %v", gone)
			}
			b.forgetHits()
			pass(time.Hour)
			if n := len(b.record("PUT")) + len(b.record("POST")); n != 0 {
				t.Errorf("%s: %d requests after the end", cause, n)
			}
		})
	}
}

func TestContextEndsTheKeeping(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		ctx, cancel := context.WithCancelCause(t.Context())
		l, err := b.client.Register(ctx, Registration{ID: "web-1", TTL: testTTL})
		if err != nil {
			t.Fatal(err)
		}
		stop := errors.New("enough")
		cancel(stop)
		synctest.Wait()
		if !done(l) || !errors.Is(l.Err(), stop) || !l.Valid() || l.Status().State != Disconnected {
			t.Fatalf("done %v, %v, valid %v, %v", done(l), l.Err(), l.Valid(), l.Status())
		}
		pass(testTTL - 1)
		if !l.Valid() {
			t.Error("not given back, so it is held until T has passed")
		}
		pass(2)
		if l.Valid() {
			t.Error("still valid after T")
		}
	})
}

func TestRegisterReturnsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.silent = true })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if _, err := b.client.Register(ctx, Registration{ID: "web-1"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if time.Since(start) != time.Minute {
			t.Errorf("after %v, want a minute", time.Since(start))
		}
	})
}
