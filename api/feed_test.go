package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// feed reads a stream of server-sent events.
type feed struct {
	t    testing.TB
	resp *http.Response
	in   *bufio.Reader
}

// told is one server-sent event, or a comment.
type told struct {
	id, name, data, comment string
}

var asStream = header("Accept", wire.TypeEvents)

// watch opens a stream, which ends with the test.
func (c *client) watch(query string, options ...option) *feed {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	c.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+wire.PathWatch+query, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, option := range append(options, asStream) {
		option(req)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { resp.Body.Close() })
	h := resp.Header
	if resp.StatusCode != 200 || h.Get("Content-Type") != wire.TypeEvents || h.Get("Cache-Control") != "no-cache" ||
		h.Get(wire.HeaderRevision) == "" || h.Get(wire.HeaderNode) != "n1" || h.Get(wire.HeaderConsistency) == "" || h.Get("Date") == "" {
		c.t.Fatalf("watch%s: %d %v", query, resp.StatusCode, h)
	}
	return &feed{c.t, resp, bufio.NewReaderSize(resp.Body, 16)}
}

// next reads one event; false at the end.
func (f *feed) next() (e told, ok bool) {
	f.t.Helper()
	for {
		line, err := f.in.ReadString('\n')
		if err != nil {
			return e, false
		}
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if value == "" {
				return e, true
			}
			e.comment = value
		default:
			f.t.Fatalf("odd line %q", line)
		}
	}
}

// event reads one event of a lease and checks its frame.
func (f *feed) event(want string) wire.Event {
	f.t.Helper()
	e, ok := f.next()
	if !ok {
		f.t.Fatalf("the stream ended, want %s", want)
	}
	v := strict[wire.Event](f.t, e.data)
	if e.name != want || v.Type != want || e.id != strconv.FormatUint(v.Revision, 10) {
		f.t.Fatalf("got %+v, want %s", e, want)
	}
	return v
}

// snapshot reads one part.
func (f *feed) snapshot() wire.Snapshot {
	f.t.Helper()
	e, ok := f.next()
	v := strict[wire.Snapshot](f.t, e.data)
	id := ""
	if !v.More {
		id = strconv.FormatUint(v.Revision, 10)
	}
	if !ok || e.name != wire.EventSnapshot || v.Type != wire.EventSnapshot || e.id != id || v.Leases == nil {
		f.t.Fatalf("got %+v, want a snapshot", e)
	}
	return v
}

func (f *feed) bookmark() wire.Bookmark {
	f.t.Helper()
	e, ok := f.next()
	v := strict[wire.Bookmark](f.t, e.data)
	if !ok || e.name != wire.EventBookmark || v.Type != wire.EventBookmark || e.id != strconv.FormatUint(v.Revision, 10) {
		f.t.Fatalf("got %+v, want a bookmark", e)
	}
	return v
}

func strict[T any](t testing.TB, data string) (v T) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("decode %q: %v", data, err)
	}
	return v
}

// pipes is a network without buffers: a write waits until it is read.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7700} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// servePipes is serve without sockets, for bubbles and readers that stop.
func servePipes(t testing.TB, c api.Config) (*api.Server, *client) {
	t.Helper()
	s, err := api.New(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Node.(*node).run(t)
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	server, served := s.HTTPServer(), make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(s.Listener(p)) // ends with Close
	}()
	transport := &http.Transport{DialContext: p.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-served
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Close(ctx)
	})
	return s, &client{t: t, base: "http://127.0.0.1:7700", http: &http.Client{Transport: transport}}
}
