package clientsdk

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// TestBulkGoesToWhoeverIsThere: past an endpoint where nobody listens, with
// the whole body each time.
func TestBulkGoesToWhoeverIsThere(t *testing.T) {
	large := strings.Repeat("x", 3<<20)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPost && (string(got) != large || r.Header.Get("Content-Type") != wire.TypeBackup) {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, large)
	}))
	defer node.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	c, err := New(Config{Endpoints: []string{gone.URL, node.URL}, MaxAnswer: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := &Body{Media: wire.TypeBackup, Size: int64(len(large)), Open: func() (io.Reader, error) { return strings.NewReader(large), nil }}
	for _, way := range []struct {
		method string
		body   *Body
	}{{http.MethodGet, nil}, {http.MethodPost, body}} {
		answer, _, err := c.Bulk(context.Background(), way.method, wire.PathSnapshot, nil, way.body)
		if err != nil {
			t.Fatalf("%s: %v", way.method, err)
		}
		got, err := io.ReadAll(answer)
		answer.Close()
		if err != nil || string(got) != large {
			t.Fatalf("%s: %d bytes, %v", way.method, len(got), err)
		}
	}
}

// TestBulkTellsWhatTheNodeSaid, and that an answer was cut off.
func TestBulkTellsWhatTheNodeSaid(t *testing.T) {
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Content-Type", wire.TypeProblem)
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"status":400,"code":"invalid_request","field":"body"}`)
			return
		}
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "too little")
	}))
	defer node.Close()
	c, err := New(Config{Endpoints: []string{node.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := &Body{Media: wire.TypeBackup, Open: func() (io.Reader, error) { return strings.NewReader(""), nil }}
	if _, _, err := c.Bulk(context.Background(), http.MethodPost, wire.PathRestore, nil, body); !IsInvalid(err) {
		t.Errorf("refused with %v", err)
	}
	answer, _, err := c.Bulk(context.Background(), http.MethodGet, wire.PathSnapshot, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	if _, err := io.ReadAll(answer); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an answer that was cut off ended with %v", err)
	}
}
