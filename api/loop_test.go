package api_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
)

// TestConnectionsMove: a connection whose client registers and then renews is a
// loop's from its second heartbeat on. One that alternates stays with package
// http after three moves, unless each was worth it.
func TestConnectionsMove(t *testing.T) {
	for _, tt := range []struct{ rounds, beats, byLoops int }{
		{1, 3, 2}, {3, 3, 6}, {4, 3, 6}, {7, 3, 6}, {7, 33, 7 * 32},
	} {
		n, c := newServer(t)
		seq := uint64(1)
		for range tt.rounds {
			g := c.register("a", "")
			for range tt.beats {
				seq++
				c.beat("a", g.Epoch, seq).is(200)
			}
		}
		if got := int(n.beats.Load()); got != tt.byLoops {
			t.Errorf("%+v: loops answered %d", tt, got)
		}
	}
}

// visitor is a client at a door.
type visitor struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

func (d *door) visit(t *testing.T) *visitor {
	there, here := net.Pipe()
	d.conns <- there
	t.Cleanup(func() { here.Close() })
	return &visitor{here, t, bufio.NewReader(here)}
}

func (v *visitor) say(text string) {
	v.t.Helper()
	if _, err := io.WriteString(v.Conn, text); err != nil {
		v.t.Fatal(err)
	}
}

// hear reads an answer to its end.
func (v *visitor) hear() *http.Response {
	v.t.Helper()
	resp, err := http.ReadResponse(v.in, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		v.t.Fatal(err)
	}
	return resp
}

// closed waits until the server closes, and returns after how long.
func (v *visitor) closed() time.Duration {
	v.t.Helper()
	began := time.Now()
	if rest, err := io.ReadAll(v.in); err != nil || len(rest) > 0 {
		v.t.Errorf("the server said %q and then: %v", rest, err)
	}
	return time.Since(began)
}

// TestLoopsEnd: when the server closes, idle connections are closed at once, and
// a heartbeat that is under way is answered. What comes then is package http's.
func TestLoopsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
		n.run(t)
		n.gate = make(chan struct{})
		s, d := serveDoor(t, api.Config{Node: n})
		fresh, half, busy := d.visit(t), d.visit(t), d.visit(t)
		half.say(beatOf(1)[:50])
		busy.say(beatOf(1))
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- s.Close(t.Context()) }()
		if fresh.closed() != 0 || half.closed() != 0 {
			t.Error("idle connections were not closed at once")
		}
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("closed over a heartbeat: %v", err)
		default:
		}
		close(n.gate)
		if resp := busy.hear(); resp.StatusCode != 404 || !resp.Close {
			t.Errorf("the last answer: %v", resp)
		}
		busy.closed()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		late := d.visit(t)
		late.say(beatOf(1))
		if resp := late.hear(); resp.Close || n.beats.Load() != 1 {
			t.Errorf("after the end: %v", resp)
		}
	})
}

// TestCloseTakesLoopsAway: a beat that is never answered does not keep the server
// from ending.
func TestCloseTakesLoopsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
		n.run(t)
		n.gate = make(chan struct{})
		s, d := serveDoor(t, api.Config{Node: n})
		v := d.visit(t)
		v.say(beatOf(1))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 4*time.Second {
			t.Errorf("closed after %v: %v", time.Since(began), err)
		}
		v.closed()
		close(n.gate)
	})
}

// TestSilentClientsAreLeft: how long who says nothing, or little at a time, holds
// a connection.
func TestSilentClientsAreLeft(t *testing.T) {
	for name, tt := range map[string]struct {
		low, high time.Duration
		client    func(v *visitor)
	}{
		"new":  {5 * time.Second, 5 * time.Second, func(*visitor) {}},
		"half": {5 * time.Second, 6 * time.Second, func(v *visitor) { v.say(beatOf(1)[:50]) }},
		"idle": {2 * time.Minute, 2*time.Minute + 5*time.Second, func(v *visitor) {
			v.say(beatOf(1))
			v.hear()
		}},
		"idle after many": {2 * time.Minute, 2*time.Minute + 5*time.Second, func(v *visitor) {
			for range 100 {
				<-time.After(3 * time.Second)
				v.say(beatOf(1))
				v.hear()
			}
		}},
		"idle after a late half": {2 * time.Minute, 2*time.Minute + 5*time.Second, func(v *visitor) {
			for range 3 {
				v.say(beatOf(1)[:50])
				<-time.After(900 * time.Millisecond)
				v.say(beatOf(1)[50:])
				v.hear()
			}
		}},
		"half of the next": {5 * time.Second, 6 * time.Second, func(v *visitor) {
			v.say(beatOf(1) + beatOf(1)[:50])
			v.hear()
		}},
		"idle after a late body": {2 * time.Minute, 2*time.Minute + 5*time.Second, func(v *visitor) {
			v.say(strings.TrimSuffix(beatOf(1), `{"epoch":1,"seq":1}`))
			<-time.After(14 * time.Second)
			v.say(`{"epoch":1,"seq":`)
			<-time.After(900 * time.Millisecond)
			v.say("1}")
			if resp := v.hear(); resp.StatusCode != 404 {
				v.t.Errorf("%v", resp)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNode()
				n.run(t)
				_, d := serveDoor(t, api.Config{Node: n})
				v := d.visit(t)
				tt.client(v)
				if after := v.closed(); after < tt.low || after > tt.high {
					t.Errorf("closed after %v, want %v to %v", after, tt.low, tt.high)
				}
			})
		})
	}
}

// TestDrippingClientsAreLeft: who sends a byte at a time does not get more time
// for it, and who does not read is cut off.
func TestDrippingClientsAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
		n.run(t)
		_, d := serveDoor(t, api.Config{Node: n})
		v, began := d.visit(t), time.Now()
		go func() {
			for _, b := range []byte(beatOf(1)) {
				if _, err := v.Write([]byte{b}); err != nil {
					return
				}
				<-time.After(500 * time.Millisecond)
			}
		}()
		io.Copy(io.Discard, v.in) // it may be told so
		if after := time.Since(began); after > 7*time.Second {
			t.Errorf("a dripping client was left after %v", after)
		}
		deaf, began := d.visit(t), time.Now()
		deaf.say(beatOf(1)) // the answer waits until it is read
		<-time.After(40 * time.Second)
		if rest, err := io.ReadAll(deaf.in); err != nil || len(rest) > 0 {
			t.Errorf("who read nothing for %v reads %q: %v", time.Since(began), rest, err)
		}
	})
}
