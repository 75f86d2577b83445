package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// startCounting serves counts of one service, one after the other, and a watch
// that tells of an event whenever the last was asked for.
func startCounting(t *testing.T, counts ...string) (watched func() string) {
	t.Helper()
	var asked atomic.Int64
	var query atomic.Value
	due := make(chan int64, len(counts))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case wire.PathServices:
			n := min(asked.Add(1), int64(len(counts)))
			w.Header().Set(wire.HeaderRevision, fmt.Sprint(6+n))
			_, _ = io.WriteString(w, counts[n-1])
			due <- 7 + n
		case wire.PathWatch:
			query.Store(r.URL.RawQuery)
			w.Header().Set("Content-Type", wire.TypeEvents)
			for {
				select {
				case revision := <-due:
					fmt.Fprintf(w, "id: %[1]d\nevent: updated\ndata: {\"revision\":%[1]d,\"type\":\"updated\"}\n\n", revision)
					_ = http.NewResponseController(w).Flush()
				case <-r.Context().Done():
					return
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("ROLLCALL_ADDR", server.URL)
	return func() string { return query.Load().(string) }
}

func counted(alive, revision int) string {
	return fmt.Sprintf(`{"services":[{"service":"web","alive":%d,"draining":0,"held":0,"revision":%d}]}`, alive, revision)
}

func TestServicesWatchPrintsTheTableWhenItChanges(t *testing.T) {
	watched := startCounting(t, counted(1, 7), counted(1, 8), counted(2, 9))
	out, errOut := runUntil(t, "web      2", "services", "--watch")
	want := `SERVICE  ALIVE  DRAINING  HELD
web      1      0         0

SERVICE  ALIVE  DRAINING  HELD
web      2      0         0
`
	if out != want || errOut != "" {
		t.Errorf("stdout:\n%s\nwant:\n%s\nstderr %q", out, want, errOut)
	}
	if watched() != "after=7" {
		t.Errorf("the watch asked for %q", watched())
	}
}

func TestServicesWatchPrintsABodyALine(t *testing.T) {
	startCounting(t, counted(1, 7), counted(1, 8))
	out, _ := runUntil(t, `"revision":8`, "services", "--watch", "-o", "json")
	checkLines(t, strings.Split(strings.TrimSpace(out), "\n"), counted(1, 7), counted(1, 8))
}

func TestSheetClearsATerminal(t *testing.T) {
	var b bytes.Buffer
	cmd := newServices()
	cmd.SetOut(&b)
	s := sheet{cmd: cmd, terminal: true}
	for _, text := range []string{"one\n", "one\n", "two\n"} {
		if err := s.show([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if want := clearScreen + "one\n" + clearScreen + "two\n"; b.String() != want {
		t.Errorf("shown %q, want %q", b.String(), want)
	}
}

func TestServicesOfSeveralPagesAreOneTable(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" {
			_, _ = io.WriteString(w, `{"services":[{"service":"api","alive":1}],"next_cursor":"b"}`)
			return
		}
		_, _ = io.WriteString(w, counted(2, 7))
	}))
	t.Cleanup(server.Close)
	t.Setenv("ROLLCALL_ADDR", server.URL)
	out, _ := run(t, 0, "services")
	if !strings.Contains(out, "api      1") || !strings.Contains(out, "web      2") {
		t.Errorf("stdout:\n%s", out)
	}
	if out, _ := run(t, 0, "services", "-o", "json"); strings.Count(out, "alive") != 2 {
		t.Errorf("stdout: %s", out)
	}
}
