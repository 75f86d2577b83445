package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestAliveOfSeveralPagesIsOneBody holds it to the fields that the node gave:
// of the past there are no seqs and no timing.
func TestAliveOfSeveralPagesIsOneBody(t *testing.T) {
	pages := map[string]string{
		"":  `{"revision":7,"count":1,"alive":[{"id":"web-1","epoch":4}],"next_cursor":"b"}`,
		"b": `{"revision":9,"count":2,"alive":[{"id":"web-2","epoch":5},{"id":"web-3","epoch":6}],"next_cursor":"c"}`,
		"c": `{"revision":9,"count":0,"alive":[]}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, pages[r.URL.Query().Get("cursor")])
	}))
	t.Cleanup(server.Close)
	t.Setenv("ROLLCALL_ADDR", server.URL)
	out, _ := run(t, 0, "alive", "-o", "json")
	want := `{"revision":7,"count":3,"alive":[{"id":"web-1","epoch":4},{"id":"web-2","epoch":5},{"id":"web-3","epoch":6}]}` + "\n"
	if out != want {
		t.Errorf("got %s, want %s", out, want)
	}
	if out, _ := run(t, 0, "alive", "-o", "json", "--limit", "1"); out != pages[""]+"\n" {
		t.Errorf("one page: %s", out)
	}
}
