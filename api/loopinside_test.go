package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

const hotBeat = "POST /v1/leases/web-000001/heartbeat HTTP/1.1\r\nHost: 127.0.0.1:7700\r\nContent-Type: application/json\r\nContent-Length: 32\r\n\r\n" +
	`{"epoch":1700000000000,"seq":17}`

// discard is a connection that takes whatever is written.
type discard struct{ net.Conn }

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }

// TestLoopMakesNothing: a client that repeats itself costs no memory.
func TestLoopMakesNothing(t *testing.T) {
	s, err := New(Config{Node: instant{}})
	if err != nil {
		t.Fatal(err)
	}
	there, here := net.Pipe()
	defer there.Close()
	defer here.Close()
	l := s.newBeatLoop(&conn{Conn: discard{here}, server: s})
	each := testing.AllocsPerRun(1000, func() {
		l.held = copy(l.in[:], hotBeat)
		if l.asked.read(l.in[:l.held], s.limits.MaxBody) != hot || l.answer() != hot || l.held != 0 {
			t.Fatal("not answered")
		}
	})
	if each != 0 {
		t.Errorf("%v allocations a heartbeat", each)
	}
}

// panicking is a node that fails in an unforeseen way.
type panicking struct{ instant }

func (panicking) BeatLater(string, string, uint64, uint64, BeatWaiter, uint64) { panic("on purpose") }

// TestPanicInALoop: it is logged, answered, and ends that connection alone.
func TestPanicInALoop(t *testing.T) {
	var log bytes.Buffer
	addr := serveTCP(t, Config{Node: panicking{}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 2 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, hotBeat+hotBeat)
		said, err := io.ReadAll(c)
		if err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(said, []byte("HTTP/1.1 500 ")) || !bytes.Contains(said, []byte("\r\nConnection: close\r\n")) || bytes.Contains(said, []byte("on purpose")) {
			t.Errorf("the answer: %s", said)
		}
	}
	if strings.Count(log.String(), "panic: on purpose") != 2 {
		t.Errorf("the log: %s", log.String())
	}
}

func serveTCP(t testing.TB, c Config) (addr string) {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h, ended := s.HTTPServer(), make(chan error, 1)
	go func() { ended <- h.Serve(s.Listener(l)) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(context.Background()), h.Close()); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// exchangeTCP measures heartbeats over loopback, the client's two calls of the
// system counted in.
func exchangeTCP(b *testing.B, c Config) {
	b.Helper()
	conn, err := net.Dial("tcp", serveTCP(b, c))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	in, request := bufio.NewReader(conn), []byte(hotBeat)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := in.ReadSlice('}'); err != nil {
			b.Fatal(err)
		}
		in.Discard(in.Buffered())
	}
}

func BenchmarkHeartbeatOverTCP(b *testing.B) { exchangeTCP(b, Config{Node: instant{}}) }
func BenchmarkHeartbeatByPackageHTTP(b *testing.B) {
	exchangeTCP(b, Config{Node: instant{}, plain: true})
}
