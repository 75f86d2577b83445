package api_test

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// inBubble runs a server and one session of it in virtual time.
func inBubble(t *testing.T, f func(t *testing.T, n *node, s *api.Server, l *line)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
		s, c := servePipes(t, api.Config{Node: n})
		dialer := websocket.Dialer{Subprotocols: []string{wire.SessionJSON}, NetDialContext: c.http.Transport.(*http.Transport).DialContext}
		ws, _, err := dialer.Dial("ws://localhost/v1/session", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer ws.Close()
		f(t, n, s, &line{t: t, ws: ws})
	})
}

// TestPings: a client is asked every 15 s whether it is there, and that it
// answers is enough.
func TestPings(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node, s *api.Server, l *line) {
		pings := 0
		l.ws.SetPingHandler(func(data string) error {
			pings++
			return l.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		})
		l.ws.SetReadDeadline(time.Now().Add(10*time.Minute + time.Second))
		if _, _, err := l.ws.ReadMessage(); !isTimeout(err) || pings != 40 {
			t.Errorf("%d pings, then %v", pings, err)
		}
	})
}

func isTimeout(err error) bool {
	late, ok := err.(net.Error)
	return ok && late.Timeout()
}

// TestSessionBookmarks: a watch in which nothing happens says how far it is.
func TestSessionBookmarks(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node, s *api.Server, l *line) {
		l.register("a")
		l.send(object{"op": "watch", "rid": "w", "after": 1, "service": "web"})
		l.answer("w").ok(t)
		for range 3 {
			frame := l.push(wire.OpEvent)
			event := frame["event"].(map[string]any)
			if frame["rid"] != "w" || event["type"] != "bookmark" || event["revision"] != 1.0 {
				t.Errorf("pushed %v", frame)
			}
		}
	})
}

// TestSilence: a client from which nothing comes is given up after 45 s; its
// lease is not.
func TestSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node, s *api.Server, l *line) {
		l.register("a")
		l.ws.SetPingHandler(func(string) error { return nil })
		start := time.Now()
		l.ws.SetReadDeadline(start.Add(time.Hour))
		_, _, err := l.ws.ReadMessage()
		if took := time.Since(start); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) || took < 44*time.Second || took > 46*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		n.View(func(r *registry.Replica, _ time.Duration) {
			if _, lives := r.Lease("default", "a"); !lives {
				t.Error("closing ended the lease")
			}
		})
	})
}

// TestWhoNeverReadsIsCutOff: without holding what waits for it, and without
// losing it.
func TestWhoNeverReadsIsCutOff(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node, s *api.Server, l *line) {
		l.register("a")
		for range 1000 {
			n.do(&registry.Send{
				NS: "default", ID: "a", Message: registry.MessageID{byte(n.revision()), byte(n.revision() >> 8)}, TTL: 1e9,
				Body: registry.Body{Binary: true, Data: make([]byte, 10<<10)},
			})
		}
		synctest.Wait()
		held := n.records.Load()
		if held > 20 {
			t.Errorf("%d messages are held for a client that does not read", held)
		}
		time.Sleep(11 * time.Second) // in the bubble's time
		synctest.Wait()
		if n.records.Load() != held {
			t.Error("it goes on reading")
		}
		l.ws.SetReadDeadline(time.Now().Add(time.Second))
		for err := error(nil); err == nil; {
			if _, _, err = l.ws.ReadMessage(); isTimeout(err) {
				t.Error("it is not cut off")
			}
		}
		n.View(func(r *registry.Replica, _ time.Duration) {
			if got := r.Mailbox("default", "a", 0).Pending; got != 1000 {
				t.Errorf("%d messages are left", got)
			}
		})
	})
}

// TestDrainingIsBounded: a request that is not answered does not keep the
// server from ending.
func TestDrainingIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node, s *api.Server, l *line) {
		epoch := l.register("a")
		n.gate = make(chan struct{})
		l.send(object{"op": "heartbeat", "rid": "x", "id": "a", "epoch": epoch, "seq": 1})
		synctest.Wait()
		start := time.Now()
		go func() {
			l.push(wire.OpDraining)
			l.closes(websocket.CloseGoingAway)
		}()
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < 5*time.Second || took > 7*time.Second {
			t.Errorf("it took %v", took)
		}
		close(n.gate)
	})
}

// TestEndingIsBoundedForWhoDoesNotRead: nor does a client that does not read.
func TestEndingIsBoundedForWhoDoesNotRead(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node, s *api.Server, l *line) {
		l.register("a")
		n.do(&registry.Send{NS: "default", ID: "a", TTL: 1e9, Body: registry.Body{Data: []byte("1")}})
		synctest.Wait()
		start := time.Now()
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 7*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
