package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fakeNode answers what a test tells it to, and remembers what it was asked.
type fakeNode struct {
	mu      sync.Mutex
	answers map[string]string // by method and path
	asked   []string          // method, path, query and body
}

// startFake starts a node and points the environment at it.
func startFake(t *testing.T, answers map[string]string) *fakeNode {
	t.Helper()
	f := &fakeNode{answers: answers}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	t.Setenv("ROLLCALL_ADDR", server.URL)
	return f
}

func (f *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	what := r.Method + " " + r.URL.EscapedPath()
	f.asked = append(f.asked, strings.TrimSpace(what+" "+r.URL.RawQuery+" "+string(body)))
	answer, ok := f.answers[what]
	if !ok {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(404)
		answer = `{"status":404,"code":"not_found","detail":"nothing is here"}`
	}
	_, _ = io.WriteString(w, answer)
}

func (f *fakeNode) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// run runs a command line, with quotes around nothing, and checks its exit
// code.
func run(t *testing.T, wantCode int, args ...string) (out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	if code := program(args, &o, &e); code != wantCode {
		t.Fatalf("rollcall %s: exit code %d, want %d; stderr %q", strings.Join(args, " "), code, wantCode, e.String())
	}
	return o.String(), e.String()
}

func checkLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
