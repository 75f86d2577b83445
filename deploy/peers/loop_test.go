package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestClosedLoop counts what was done after the warm-up, and only that.
func TestClosedLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := 0
		out, err := closedLoop(t.Context(), nil, 4, time.Second, func(context.Context, int) (func(context.Context) error, func(), error) {
			return func(ctx context.Context) error { return pause(ctx, 10*time.Millisecond) }, func() { ended++ }, nil
		})
		got := out.rate()
		if err != nil || out.done != 400 || got[0] != 400 || got[1] < 9.9 || got[1] > 10.2 || ended != 4 {
			t.Errorf("done %d, %v, %d ended (%v)", out.done, got, ended, err)
		}
	})
}

// TestClosedLoopFails when any worker does, and ends those that connected.
func TestClosedLoopFails(t *testing.T) {
	for _, connect := range []bool{true, false} {
		ended := 0
		_, err := closedLoop(t.Context(), nil, 3, time.Minute, func(_ context.Context, n int) (func(context.Context) error, func(), error) {
			if n == 2 && connect {
				return nil, nil, errAnswer
			}
			return func(ctx context.Context) error {
				if n == 2 {
					return errAnswer
				}
				<-ctx.Done()
				return context.Cause(ctx)
			}, func() { ended++ }, nil
		})
		if want := map[bool]int{true: 2, false: 3}[connect]; !errors.Is(err, errAnswer) || ended != want {
			t.Errorf("connect %v: %v, %d ended", connect, err, ended)
		}
	}
}

// fakePipe answers in order, each a while after it was flushed.
type fakePipe struct {
	held    int
	answers chan time.Time
	now     atomic.Int64 // in flight
	most    int64        // that ever were
	broken  bool
}

func (p *fakePipe) send() error {
	p.held++
	p.most = max(p.most, p.now.Add(1))
	return nil
}

func (p *fakePipe) flush() error {
	for ; p.held > 0; p.held-- {
		p.answers <- time.Now().Add(time.Millisecond)
	}
	return nil
}

func (p *fakePipe) receive() error {
	time.Sleep(time.Until(<-p.answers)) // the bubble's time
	if p.broken {
		return errAnswer
	}
	p.now.Add(-1)
	return nil
}

func TestPumpKeepsToItsDepth(t *testing.T) {
	for _, depth := range []int{1, 7, 100} {
		synctest.Test(t, func(t *testing.T) {
			p, left, h := &fakePipe{answers: make(chan time.Time, 1000)}, 500, newHistogram()
			err := pump(t.Context(), p, depth, func() bool { left--; return left >= 0 }, h)
			if err != nil || h.TotalCount() != 500 || p.most > int64(depth) || p.now.Load() != 0 {
				t.Errorf("depth %d: %d answers, %d at most in flight, %d left (%v)", depth, h.TotalCount(), p.most, p.now.Load(), err)
			}
		})
	}
}

func TestPumpFailsWithItsPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakePipe{answers: make(chan time.Time, 1000), broken: true}
		if err := pump(t.Context(), p, 3, func() bool { return true }, newHistogram()); !errors.Is(err, errAnswer) {
			t.Errorf("pump = %v", err)
		}
	})
}

func TestOnceRemembersEverySending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, err := once(t.Context(), &fakePipe{answers: make(chan time.Time, 1000)}, 250)
		if err != nil || len(began) != 250 {
			t.Errorf("%d sendings (%v)", len(began), err)
		}
	})
}

// TestPart deals every lease out once, and to everybody one.
func TestPart(t *testing.T) {
	leases := make([]lease, 10)
	for i := range leases {
		leases[i].number = int64(i)
	}
	seen := make(map[int64]int)
	for n := range 3 {
		for _, l := range part(leases, n, 3) {
			seen[l.number]++
		}
	}
	if len(seen) != 10 || seen[9] != 1 {
		t.Errorf("dealt out: %v", seen)
	}
	for n := range 25 {
		if len(part(leases, n, 25)) != 1 {
			t.Errorf("the %dth of many has %v", n, part(leases, n, 25))
		}
	}
}

func TestHTTPConn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/chunks":
			for range 3 {
				_, _ = w.Write([]byte(strings.Repeat("x", 5000)))
				w.(http.Flusher).Flush()
			}
		case "/made":
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(r.Method))
		default:
			http.Error(w, "no", http.StatusTeapot)
		}
	}))
	defer server.Close()
	c, err := dialHTTP(t.Context(), server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for range 2 { // over one connection
		if body, err := c.call(c.compose("GET", "/chunks", nil)); err != nil || len(body) != 15_000 {
			t.Errorf("chunks: %d bytes (%v)", len(body), err)
		}
		if body, err := c.call(c.compose("PUT", "/made", []byte("{}"))); err != nil || string(body) != "PUT" {
			t.Errorf("made: %q (%v)", body, err)
		}
		if _, err := c.call(c.compose("GET", "/", nil)); !errors.Is(err, errAnswer) {
			t.Errorf("a refusal: %v", err)
		}
	}
}

// TestConnectionsEndWithTheirContext is why nobody waits for a silent server.
func TestConnectionsEndWithTheirContext(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c, err := dialHTTP(ctx, server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := c.call(c.compose("GET", "/", nil)); err == nil {
		t.Error("an answer of a server that gave none")
	}
}

func TestCommand(t *testing.T) {
	want := "*3\r\n$7\r\nPEXPIRE\r\n$1\r\nk\r\n$2\r\n50\r\n"
	if got := string(command("PEXPIRE", "k", "50")); got != want {
		t.Errorf("command = %q, want %q", got, want)
	}
}
