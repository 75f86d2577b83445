package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

func readAll(resp *http.Response) (int, error) {
	n, err := io.Copy(io.Discard, resp.Body)
	return int(n), err
}

func TestBookmarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := servePipes(t, api.Config{Node: newNode()})
		f := c.watch("?service=web")
		if r := f.snapshot().Revision; r != 0 {
			t.Errorf("revision %d", r)
		}
		start := time.Now()
		for want := range uint64(3) {
			if b := f.bookmark(); b.Revision != want {
				t.Errorf("revision %d, want %d", b.Revision, want)
			}
			start = start.Add(wire.BookmarkEvery)
			if now := time.Now(); !now.Equal(start) {
				t.Errorf("after %v", now.Sub(start))
			}
			c.register(fmt.Sprint(want), `{"service":"db"}`) // of no interest here, but progress
		}
		time.Sleep(10 * time.Second)
		c.register("web", `{"service":"web"}`)
		f.event("registered")
		if f.bookmark(); time.Since(start) != 10*time.Second+wire.BookmarkEvery {
			t.Errorf("after %v", time.Since(start))
		}
	})
}

func TestWhoDoesNotReadIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
		_, c := servePipes(t, api.Config{Node: n})
		f := c.watch("?after=0")
		for i := range 100 {
			n.do(&registry.Grant{NS: "default", ID: fmt.Sprint(i), TTL: 10_000})
		}
		synctest.Wait()
		if got := metric(c, "rollcall_watches"); got != "1" {
			t.Errorf("%s watches", got)
		}
		time.Sleep(9 * time.Second)
		if got := metric(c, "rollcall_watches"); got != "1" {
			t.Errorf("%s watches", got)
		}
		time.Sleep(2 * time.Second)
		if got := metric(c, "rollcall_watches"); got != "0" {
			t.Errorf("%s watches", got)
		}
		if got := metric(c, `rollcall_watch_cut_off_total{reason="slow"}`); got != "1" {
			t.Errorf("%s were cut off", got)
		}
		for {
			if _, ok := f.next(); !ok {
				break
			}
		}
	})
}

func metric(c *client, name string) string {
	c.t.Helper()
	for line := range strings.Lines(string(c.do("GET", "/metrics", "").body)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return "no"
}

// TestWhoGoesAwayIsNoticed by the bookmarks.
func TestWhoGoesAwayIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := servePipes(t, api.Config{Node: newNode()})
		f := c.watch("?after=0")
		f.resp.Body.Close()
		time.Sleep(2*wire.BookmarkEvery + time.Second)
		if got := metric(c, "rollcall_watches"); got != "0" {
			t.Errorf("%s watches", got)
		}
		if got := metric(c, `rollcall_watch_cut_off_total{reason="slow"}`); got != "0" {
			t.Errorf("%s were cut off", got)
		}
	})
}

func TestPollWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
		_, c := servePipes(t, api.Config{Node: n})
		for query, want := range map[string]time.Duration{"": 30 * time.Second, "&wait_ms=300000": 300 * time.Second, "&wait_ms=1": time.Millisecond, "&wait_ms=0": 0} {
			start := time.Now()
			page := into[wire.EventPage](c.do("GET", "/v1/watch?after=0"+query, "").is(200))
			if took := time.Since(start); took != want || len(page.Events) != 0 {
				t.Errorf("%q took %v, %+v", query, took, page)
			}
		}
		start := time.Now()
		time.AfterFunc(100*time.Second, func() {
			n.do(&registry.Grant{NS: "other", ID: "a", TTL: 10_000})
			n.do(&registry.Grant{NS: "default", ID: "a", TTL: 10_000})
		})
		page := into[wire.EventPage](c.do("GET", "/v1/watch?after=0&wait_ms=300000", "").is(200))
		if took := time.Since(start); took != 100*time.Second || len(page.Events) != 1 || page.Next != 2 {
			t.Errorf("took %v, %+v", took, page)
		}
	})
}

func TestCloseEndsWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
		s, c := servePipes(t, api.Config{Node: n})
		idle, stuck := c.watch("?after=0&service=x"), c.watch("?after=0")
		polled := make(chan wire.EventPage)
		go func() {
			polled <- into[wire.EventPage](c.do("GET", "/v1/watch?after=0&service=x&wait_ms=300000", "").is(200))
		}()
		synctest.Wait()
		n.do(&registry.Grant{NS: "default", ID: "a", TTL: 10_000})
		synctest.Wait() // stuck does not read
		start := time.Now()
		if err := s.Close(t.Context()); err != nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if page := <-polled; len(page.Events) != 0 {
			t.Errorf("%+v", page)
		}
		for _, f := range []*feed{idle, stuck} {
			if e, ok := f.next(); ok {
				t.Errorf("%+v after the end", e)
			}
		}
		c.do("GET", "/v1/watch", "").refuses(wire.CodeOverloaded)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestCloseTakesConnectionsAway when its time is over.
func TestCloseTakesConnectionsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
		s, c := servePipes(t, api.Config{Node: n})
		f := c.watch("?after=0")
		synctest.Wait()
		n.do(&registry.Grant{NS: "default", ID: "a", TTL: 10_000})
		synctest.Wait() // nobody reads
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		start := time.Now()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if e, ok := f.next(); ok {
			t.Errorf("%+v after the end", e)
		}
	})
}

func TestWatchesAreBounded(t *testing.T) {
	n := newNode()
	c := serve(t, api.Config{Node: n, Limits: api.Limits{Watches: 2}})
	c.watch("")
	f := c.watch("?after=0")
	c.do("GET", "/v1/watch", "", asStream).refuses(wire.CodeOverloaded)
	c.do("GET", "/v1/watch?after=0", "").refuses(wire.CodeOverloaded)
	c.do("GET", "/v1/alive", "").is(200)
	f.resp.Body.Close()
	for range 1000 { // the second write to a closed connection fails
		c.register("a", "")
		if c.do("GET", "/v1/watch?after=0&wait_ms=0", "").StatusCode == 200 {
			return
		}
	}
	t.Error("a place is not given back")
}

// TestStreamsOfOldClients: a stream of HTTP/1.0 is not chunked and ends with its
// connection, as those of others do.
func TestStreamsOfOldClients(t *testing.T) {
	_, c := newServer(t)
	c.register("a", "")
	for _, version := range []string{"HTTP/1.0", "HTTP/1.1"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "GET /v1/watch?after=0 %s\r\nHost: localhost\r\nAccept: text/event-stream\r\nX-Request-Id: mine\r\n\r\n", version)
		in := bufio.NewReader(conn)
		if line, err := in.ReadString('\n'); err != nil || line != version+" 200 OK\r\n" {
			t.Fatalf("%q %v", line, err)
		}
		head := http.Header{}
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line == "\r\n" {
				break
			}
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			head.Add(name, value)
		}
		if head.Get("Connection") != "close" || head.Get("Transfer-Encoding") != "" || head.Get("X-Accel-Buffering") != "no" || head.Get("X-Request-Id") != "mine" {
			t.Errorf("%v", head)
		}
		if line, err := in.ReadString('\n'); err != nil || line != "id: 1\n" {
			t.Fatalf("%q %v", line, err)
		}
	}
}

// TestStreamWithoutAConnection: where nobody hands a connection over, the
// stream is written to the answer until the client goes away.
func TestStreamWithoutAConnection(t *testing.T) {
	n := newNode()
	n.run(t)
	s, err := api.New(api.Config{Node: n})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/v1/watch", nil)
	req.Header.Set("Accept", wire.TypeEvents)
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, req)
	if got := rec.Body.String(); rec.Code != 200 || !rec.Flushed || !strings.HasPrefix(got, "id: 0\nevent: snapshot\ndata: {") {
		t.Errorf("%d %q", rec.Code, got)
	}
}
