package loadgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// fakeIdle takes connections, pings sessions, and claims 2,000 bytes for each.
type fakeIdle struct {
	open   atomic.Int64
	pongs  atomic.Int64
	breaks func(n int64) bool // the nth connection ends at once
	taken  atomic.Int64
}

func (f *fakeIdle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == wire.PathMetrics {
		fmt.Fprintf(w, "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes_x 1\nprocess_resident_memory_bytes %e\n",
			float64(1_000_000+2_000*f.open.Load()))
		return
	}
	n := f.taken.Add(1)
	f.open.Add(1)
	defer f.open.Add(-1)
	over := f.breaks != nil && f.breaks(n)
	if r.URL.Path == wire.PathWatch {
		_, _ = io.WriteString(w, "event: snapshot\nid: 1\ndata: {}\n\n")
		_ = http.NewResponseController(w).Flush()
		if !over {
			<-r.Context().Done()
		}
		return
	}
	f.session(w, r, over)
}

func (f *fakeIdle) session(w http.ResponseWriter, r *http.Request, over bool) {
	upgrader := websocket.Upgrader{Subprotocols: []string{protocolJSON}}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	ws.SetPongHandler(func(string) error {
		f.pongs.Add(1)
		return nil
	})
	_ = ws.WriteControl(websocket.PingMessage, []byte("?"), time.Time{})
	_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"op":"draining"}`))
	if over {
		_ = ws.WriteControl(websocket.CloseMessage, nil, time.Time{})
		return
	}
	_, _, _ = ws.ReadMessage()
}

func idleConfig(kind string, endpoints ...string) IdleConfig {
	return IdleConfig{
		Target: Target{Endpoints: endpoints},
		Kind:   kind, Connections: 30, Hold: 100 * time.Millisecond,
	}
}

func TestIdleConnectionsAreHeldAndMeasured(t *testing.T) {
	for _, kind := range []string{IdleSession, IdleWatch} {
		nodes := []*fakeIdle{{}, {}}
		cfg := idleConfig(kind, serve(t, nodes[0]), serve(t, nodes[1]))
		phases := map[string]bool{}
		cfg.Watch = func(p Progress) { phases[p.Phase] = true }
		got, err := RunIdle(t.Context(), cfg)
		if err != nil || got.Failed() != nil {
			t.Fatal(err, got.Failed())
		}
		if got.Held != 30 || got.BytesPerConnection != 2_000 || len(got.Nodes) != 2 || got.Nodes[1].After != 1_030_000 {
			t.Errorf("%s: result %+v", kind, got)
		}
		if pongs := nodes[0].pongs.Load() + nodes[1].pongs.Load(); kind == IdleSession && pongs != 30 {
			t.Errorf("%d pongs", pongs)
		}
		if !phases[PhaseConnect] || !phases[PhaseHold] {
			t.Errorf("phases %v", phases)
		}
	}
}

func TestIdleConnectionsThatBreakAreMadeAnew(t *testing.T) {
	for _, kind := range []string{IdleSession, IdleWatch} {
		node := &fakeIdle{breaks: func(n int64) bool { return n <= 3 }}
		got, err := RunIdle(t.Context(), idleConfig(kind, serve(t, node)))
		if err != nil || got.Broken != 3 || got.Held != 30 || got.Failed() == nil {
			t.Errorf("%s: result %+v, %v", kind, got, err)
		}
	}
}

func TestIdleRunsThatCannotBe(t *testing.T) {
	noSessions := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == wire.PathMetrics {
			(&fakeIdle{}).ServeHTTP(w, r)
			return
		}
		answer(w, 400, wire.NewProblem(wire.CodeInvalidRequest, "no subprotocol"))
	})
	if _, err := RunIdle(t.Context(), idleConfig(IdleSession, serve(t, noSessions))); err == nil || !strings.Contains(err.Error(), "no subprotocol") {
		t.Errorf("refused: %v", err)
	}
	empty := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	if _, err := RunIdle(t.Context(), idleConfig(IdleSession, serve(t, empty))); !errors.Is(err, errNoMetric) {
		t.Errorf("no metric: %v", err)
	}
	for want, change := range map[string]func(*IdleConfig){
		`kind "poll"`:    func(c *IdleConfig) { c.Kind = "poll" },
		"connections -1": func(c *IdleConfig) { c.Connections = -1 },
		"hold -1s":       func(c *IdleConfig) { c.Hold = -time.Second },
	} {
		cfg := idleConfig("", "http://x")
		change(&cfg)
		if _, err := RunIdle(t.Context(), cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestIdleRunThatIsCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := idleConfig(IdleSession, serve(t, &fakeIdle{}))
	cfg.Hold = time.Hour
	cfg.Watch = func(p Progress) {
		if p.Phase == PhaseHold {
			cancel()
		}
	}
	got, err := RunIdle(ctx, cfg)
	if err != nil || !got.Interrupted || got.Held != 30 {
		t.Errorf("result %+v, %v", got, err)
	}
}
