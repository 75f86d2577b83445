package clientsdk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestSessionCarriesWhatItCan(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		ctx := t.Context()
		l := b.register(t, func(r *Registration) { r.Exclusive = true })
		epoch := l.Epoch()
		pass(testTTL)
		if _, err := l.Update(ctx, wire.Patch{Tags: &[]string{"v2"}}); err != nil {
			t.Fatal(err)
		}
		sent, err := b.client.Send(ctx, "web-1", Message{ID: "00000000-0000-4000-8000-000000000001", Body: 7})
		if err != nil || sent.Offset != 1 {
			t.Fatalf("%+v, %v", sent, err)
		}
		if nacked, err := b.client.Nack(ctx, "web-1", wire.Nack{Epoch: epoch, IDs: []string{sent.ID}, Reason: "no"}); err != nil || nacked.Nacked != 1 {
			t.Errorf("%+v, %v", nacked, err)
		}
		if acked, err := b.client.Ack(ctx, "web-1", wire.Ack{Epoch: epoch, UpTo: 1}); err != nil || acked.Acked != 1 {
			t.Errorf("%+v, %v", acked, err)
		}
		if cert, err := l.Leave(ctx); err != nil || cert.Cause != string(Left) {
			t.Errorf("%+v, %v", cert, err)
		}
		if n := b.overHTTP(); n != 0 {
			t.Errorf("%d requests over HTTP", n)
		}
		key := s.heard(wire.OpRegister)[0].text
		key = key[strings.Index(key, `"idempotency_key":"`)+len(`"idempotency_key":"`):][:26]
		for op, want := range map[string]string{
			wire.OpRegister:  `{"op":"register","rid":1,"id":"web-1","idempotency_key":"` + key + `","if_none_match":"*","service":"web","ttl_ms":12000}`,
			wire.OpHeartbeat: `"id":"web-1","epoch":` + fmt.Sprint(epoch) + `,"seq":`,
			wire.OpUpdate:    `"id":"web-1","epoch":` + fmt.Sprint(epoch) + `,"tags":["v2"]}`,
			wire.OpSend:      `"to":"web-1","id":"00000000-0000-4000-8000-000000000001","body":7}`,
			wire.OpNack:      `"id":"web-1","epoch":` + fmt.Sprint(epoch) + `,"ids":["00000000-0000-4000-8000-000000000001"],"reason":"no"}`,
			wire.OpAck:       `"id":"web-1","epoch":` + fmt.Sprint(epoch) + `,"up_to":1}`,
			wire.OpLeave:     `"id":"web-1","epoch":` + fmt.Sprint(epoch) + `}`,
		} {
			if got := s.text(t, op); !strings.Contains(got, want) {
				t.Errorf("%s: %s\nwant %s", op, got, want)
			}
		}
	})
}

func TestSessionNamesItsNamespace(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		b.client.config.Namespace = "acme"
		_, _ = b.client.Grant(t.Context(), "a", wire.Registration{}, GrantOptions{})
		if got := s.text(t, wire.OpRegister); got != `{"op":"register","rid":1,"ns":"acme","id":"a"}` {
			t.Errorf("%s", got)
		}
	})
}

func TestSessionRefusesAsHTTPDoes(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		b.register(t, nil)
		_, err := b.client.Grant(t.Context(), "web-1", wire.Registration{}, GrantOptions{Exclusive: true})
		p, ok := errors.AsType[*wire.Problem](err)
		if !IsTaken(err) || !ok || p.Holder.Epoch == 0 || p.Status != 412 {
			t.Errorf("got %v", err)
		}
		if _, err := b.client.Heartbeat(t.Context(), "web-1", wire.Heartbeat{Epoch: 3, Seq: 1}); !IsSuperseded(err) {
			t.Errorf("got %v", err)
		}
		if n := b.overHTTP(); n != 0 || s.dials != 1 {
			t.Errorf("%d requests over HTTP, %d connections", n, s.dials)
		}
	})
}

func TestWithoutASessionThereIsHTTP(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		s.closed = true
		l := b.register(t, nil)
		epoch := l.Epoch()
		pass(time.Hour)
		if !l.Valid() || l.Epoch() != epoch || len(s.heard("")) != 0 || s.dials < 100 || s.dials > 260 {
			t.Errorf("valid %v, epoch %d, %d frames, %d dials", l.Valid(), l.Epoch(), len(s.heard("")), s.dials)
		}
		s.with(func() { s.closed = false })
		pass(time.Minute)
		b.forgetHits()
		pass(time.Minute)
		if n := b.overHTTP(); n != 0 || len(s.heard(wire.OpHeartbeat)) == 0 || l.Epoch() != epoch {
			t.Errorf("a minute after: %d requests over HTTP", n)
		}
	})
}

func TestSessionStaysWhileIdle(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		if _, err := b.client.Send(t.Context(), "a", Message{}); err != nil {
			t.Fatal(err)
		}
		pass(6 * time.Hour)
		if s.dials != 1 {
			t.Errorf("%d connections in six hours", s.dials)
		}
		s.with(func() { s.mute = true })
		pass(linkSilence + time.Minute)
		if s.dials < 2 {
			t.Error("a node that says nothing is kept")
		}
	})
}

func TestSessionMovesWhenTheNodeGoesAway(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		b.node("n1", func(n *modelNode) { n.delay = 0 })
		old := s.last()
		s.with(func() { s.deaf = true })
		answered := make(chan error, 1)
		go func() {
			_, err := b.client.Send(t.Context(), "a", Message{ID: newUUID(), Body: "under way"})
			answered <- err
		}()
		pass(time.Second)
		s.with(func() { s.deaf = false })
		old.out <- map[string]string{"op": wire.OpDraining}
		pass(time.Second)
		if next := s.last(); next == old || next.node == old.node {
			t.Error("it stays")
		}
		old.out <- map[string]any{"op": wire.OpOK, "rid": 2, "id": "x", "offset": 1}
		if err := <-answered; err != nil {
			t.Errorf("what was under way: %v", err)
		}
		pass(time.Hour)
		if !l.Valid() || b.overHTTP() != 0 {
			t.Errorf("valid %v, %d requests over HTTP", l.Valid(), b.overHTTP())
		}
		select {
		case <-old.ended:
		default:
			t.Error("the old connection is kept")
		}
	})
}

func TestABrokenSessionCostsNoLease(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		epoch := l.Epoch()
		for range 50 {
			_ = s.last().ws.NetConn().Close()
			pass(testTTL / 5)
		}
		if !l.Valid() || l.Epoch() != epoch || l.Status().State != Connected {
			t.Errorf("valid %v, %v", l.Valid(), l.Status())
		}
	})
}

func TestWhatWasUnderWayWhenItBrokeIsAskedAgain(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		s.with(func() { s.deaf = true })
		pass(testTTL/3 + testTTL/24)
		beats := s.heard(wire.OpHeartbeat)
		if len(beats) != 1 {
			t.Fatalf("%d heartbeats", len(beats))
		}
		_ = s.last().ws.NetConn().Close()
		pass(time.Second)
		again := b.record("POST")
		if len(again) != 1 || !strings.Contains(again[0].body, `"seq":1`) || !strings.Contains(beats[0].text, `"seq":1`) {
			t.Errorf("%v, then %v", beats, again)
		}
		if l.Status().State != Connected {
			t.Errorf("%v", l.Status())
		}
	})
}

func TestASilentSessionIsLeft(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		epoch := l.Epoch()
		s.with(func() { s.deaf = true })
		for range 100 {
			pass(testTTL / 4)
			if !l.Valid() || l.Epoch() != epoch {
				t.Fatalf("valid %v, epoch %d", l.Valid(), l.Epoch())
			}
		}
		nodes := map[string]bool{}
		for _, line := range s.lines {
			nodes[line.node] = true
		}
		if len(nodes) != 3 {
			t.Errorf("tried on %v only", nodes)
		}
	})
}

func TestSessionLeavesAMinority(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		old := s.last()
		b.node(old.node, func(n *modelNode) { n.noLeader = true })
		pass(testTTL)
		if s.last().node == old.node || !l.Valid() {
			t.Errorf("still with %s, valid %v", s.last().node, l.Valid())
		}
	})
}

func TestALossIsHeardAtOnce(t *testing.T) {
	for cause, again := range map[Cause]bool{Expired: true, Evicted: false, Replaced: false, Left: false} {
		inSession(t, func(t *testing.T, b *bench, s *sessions) {
			told := new(journal[*LostError])
			l := b.register(t, func(r *Registration) { r.OnLost = told.add })
			epoch := l.Epoch()
			start := time.Now()
			b.with(func(c *cluster) { c.end(c.leases["web-1"], cause) })
			synctest.Wait()
			if list := told.all(); len(list) != 1 || list[0].Cause != cause || list[0].Epoch != epoch || list[0].Certificate == nil || list[0].Final == again {
				t.Errorf("%s: told %+v", cause, list)
			}
			if done(l) == again || again && (l.Epoch() == epoch || !l.Valid()) || time.Since(start) != 0 {
				t.Errorf("%s: ended %v, epoch %d (was %d) after %v", cause, done(l), l.Epoch(), epoch, time.Since(start))
			}
		})
	}
}

func TestALossWithoutACertificateIsAskedAbout(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		s.last().out <- wire.LostLease{Op: wire.OpLost, ID: "web-1", Epoch: l.Epoch() - 1}
		s.last().out <- wire.LostLease{Op: wire.OpLost, ID: "web-1", Epoch: l.Epoch()}
		synctest.Wait()
		if n := len(s.heard(wire.OpHeartbeat)); n != 1 || !l.Valid() || l.Status().State != Connected {
			t.Errorf("%d heartbeats, %v", n, l.Status())
		}
	})
}

func TestALossOfAnotherEpochIsNone(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		cert := &wire.Certificate{Cause: string(Evicted)}
		s.last().out <- wire.LostLease{Op: wire.OpLost, ID: "web-1", Epoch: l.Epoch() + 1, Certificate: cert}
		s.last().out <- []byte(`{"op":"lost","epoch":"nonsense"}`)
		s.last().out <- []byte(`{"op":"something new"}`)
		pass(time.Hour)
		if done(l) || !l.Valid() || s.dials != 1 {
			t.Errorf("%v, %d connections", l.Status(), s.dials)
		}
	})
}

func TestBusinessIsASignOfLife(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		b.register(t, nil)
		pass(0)
		for range 600 {
			if _, err := b.client.Send(t.Context(), "other", Message{}); err != nil {
				t.Fatal(err)
			}
			pass(100 * time.Millisecond)
		}
		beats := s.heard(wire.OpHeartbeat)
		if len(beats) < 25 || len(beats) > 30 {
			t.Errorf("%d heartbeats in a minute of business, want one each T/6, which is 2 s", len(beats))
		}
		sends := map[time.Time]bool{}
		for _, h := range s.heard(wire.OpSend) {
			sends[h.at] = true
		}
		for i, h := range beats {
			if !sends[h.at] {
				t.Errorf("heartbeat %d left alone", i)
			}
			if i > 0 && h.at.Sub(beats[i-1].at) < testTTL/6 {
				t.Errorf("heartbeat %d is %v after the one before", i, h.at.Sub(beats[i-1].at))
			}
		}
	})
}

func TestSessionAnswersInAnyOrder(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		_, _ = b.client.Send(t.Context(), "a", Message{})
		s.with(func() { s.deaf = true })
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				sent, err := b.client.Send(t.Context(), "a", Message{ID: fmt.Sprint("m", i)})
				if err != nil || sent.ID != fmt.Sprint("m", i) {
					t.Errorf("%d: %+v, %v", i, sent, err)
				}
			})
		}
		synctest.Wait()
		frames := s.heard(wire.OpSend)[1:]
		slices.Reverse(frames)
		for _, h := range frames {
			rid, id := h.text[strings.Index(h.text, `"rid":`)+6:], h.text[strings.Index(h.text, `"id":"`)+6:]
			rid, _, _ = strings.Cut(rid, ",")
			id, _, _ = strings.Cut(id, `"`)
			s.last().out <- fmt.Appendf(nil, `{"op":"ok","rid":%s,"id":%q,"offset":1}`, rid, id)
		}
		s.last().out <- []byte(`{"op":"ok","rid":4711}`) // nobody's
		wg.Wait()
	})
}

func TestGarbageEndsTheSession(t *testing.T) {
	for _, text := range []string{"hello", `{"op":"error","rid":null,"code":"invalid_request"}`, `{"op":"ok"}`, `[1]`} {
		inSession(t, func(t *testing.T, b *bench, s *sessions) {
			l := b.register(t, nil)
			s.last().out <- []byte(text)
			pass(time.Second)
			if s.dials != 2 {
				t.Errorf("%s: %d connections", text, s.dials)
			}
			pass(time.Minute)
			if !l.Valid() {
				t.Error("the lease was lost")
			}
		})
	}
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		b.register(t, nil)
		s.with(func() { s.deaf = true })
		ended := make(chan error, 1)
		go func() {
			_, err := b.client.Patch(t.Context(), "web-1", wire.Patch{Epoch: 1})
			ended <- err
		}()
		synctest.Wait()
		s.last().out <- []byte(`{"op":"error","rid":2}`)
		if err := <-ended; !IsUnreachable(err) {
			t.Errorf("an error that says nothing: %v", err)
		}
	})
}

func TestWhatIsTooLargeForAFrameGoesOverHTTP(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		if _, err := b.client.Send(t.Context(), "a", Message{Body: strings.Repeat("x", wire.MaxFrame)}); err != nil {
			t.Fatal(err)
		}
		if len(s.heard("")) != 0 || b.overHTTP() != 1 {
			t.Errorf("%d frames, %d requests", len(s.heard("")), b.overHTTP())
		}
	})
}

func TestAnIndeterminateChangeIsNotRepeated(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		s.with(func() { s.deaf = true })
		if _, err := l.Update(t.Context(), wire.Patch{Tags: &[]string{"v2"}}); !IsUnreachable(err) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if len(b.record("PATCH")) != 0 || len(s.heard(wire.OpUpdate)) != 1 {
			t.Error("it was repeated")
		}
	})
}

func TestSessionEndsWithItsClient(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		b.register(t, nil)
		line := s.last()
		_ = b.client.Close()
		synctest.Wait()
		select {
		case <-line.ended:
		default:
			t.Error("the connection is kept")
		}
		if _, err := b.client.Send(t.Context(), "a", Message{}); err != nil {
			t.Errorf("what is asked after the end goes over HTTP: %v", err)
		}
	})
}

func TestARequestEndsWithItsContext(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		_, _ = b.client.Send(t.Context(), "a", Message{})
		s.with(func() { s.deaf = true })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.client.Send(ctx, "a", Message{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if l := b.client.session.current(); l == nil || len(l.waits) != 0 {
			t.Errorf("%+v", l)
		}
	})
}

func TestFramesAreGathered(t *testing.T) {
	near, far := newCounted()
	g := &gathered{Conn: near}
	ws := newClientConn(t, g, far)
	l := newLink(nil, ws, g)
	for range linkQueue {
		l.out <- []byte(`{"op":"heartbeat"}`)
	}
	near.writes = 0
	if err := l.send(<-l.out); err != nil || near.writes != 1 || len(l.out) != 0 {
		t.Errorf("%d writes for %d frames, %v", near.writes, linkQueue, err)
	}
	for range 3 {
		l.out <- []byte(strings.Repeat("x", 40<<10))
	}
	near.writes = 0
	if err := l.send(<-l.out); err != nil || near.writes != 1 || len(l.out) != 1 || cap(g.buf) != 0 {
		t.Errorf("%d writes, %d frames left, %d bytes kept, %v", near.writes, len(l.out), cap(g.buf), err)
	}
	_ = ws.WriteControl(websocket.PongMessage, nil, time.Time{}) // not held, it leaves at once
	if near.writes != 2 {
		t.Errorf("%d writes", near.writes)
	}
}

func TestFurtherTriesGoOverHTTP(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		busy := slices.Repeat([]answer{problem(503, wire.CodeOverloaded)}, 1000)
		b.node("n1", func(n *modelNode) { n.script = busy })
		if _, err := b.client.Send(t.Context(), "a", Message{}); err != nil {
			t.Fatal(err)
		}
		if f, n := len(s.heard(wire.OpSend)), len(b.record("POST")); f != 1 || n < 1 || n > 2 {
			t.Errorf("%d frames, %d requests", f, n)
		}
		l := b.register(t, nil)
		if f := len(s.heard(wire.OpRegister)); f != 1 || !l.Valid() {
			t.Errorf("%d frames of the registration", f)
		}
		if s.dials != 1 {
			t.Error("who is busy now is left")
		}
	})
}

func TestTheNextTryIsOnAnotherNode(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		_, _ = b.client.Send(t.Context(), "a", Message{})
		s.with(func() { s.deaf = true })
		if _, err := b.client.Send(t.Context(), "a", Message{}); err != nil {
			t.Fatal(err)
		}
		if first := b.record("POST")[0]; first.node == s.lines[0].node {
			t.Errorf("asked %s again", first.node)
		}
	})
}
