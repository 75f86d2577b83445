//go:build linux

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// against returns a fleet of one node, which answers as told.
func against(t *testing.T, node http.HandlerFunc) *fleet {
	t.Helper()
	server := httptest.NewServer(node)
	t.Cleanup(server.Close)
	f := newFleet(newLedger(), []string{server.URL}, 0)
	t.Cleanup(f.web.CloseIdleConnections)
	return f
}

// say answers with a status and a body of the contract.
func say(t *testing.T, w http.ResponseWriter, status int, body any) {
	t.Helper()
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		t.Error(err)
	}
}

// alone is a fleet whose node is never asked.
func alone(t *testing.T) *fleet {
	t.Helper()
	return against(t, func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("asked %s %s", r.Method, r.URL)
		say(t, w, http.StatusTeapot, wire.Problem{})
	})
}

// found expects findings of these kinds, and nothing else since the last time.
func found(t *testing.T, f *fleet, name string, want ...kind) {
	t.Helper()
	got := f.ledger.take(0).findings
	f.ledger.findings = nil
	if len(got) != len(want) {
		t.Errorf("%s: found %v, want %v", name, got, want)
		return
	}
	for i := range got {
		if got[i].kind != want[i] {
			t.Errorf("%s: found %v, want %v", name, got, want)
		}
	}
}
