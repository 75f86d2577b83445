package clientsdk

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// These tests use real connections on loopback, and no virtual time.

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func dialReal(t *testing.T, config Config) *Client {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestTokenAndTypesAreSent(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for name, want := range map[string]string{
			"Authorization": "Bearer rc_secret", "Content-Type": wire.TypeJSON, "Accept": wire.TypeJSON,
			headerKey: "k", headerIfNone: "*",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		fmt.Fprint(w, `{"id":"a","epoch":7,"ttl_ms":1000,"something_new":1}`)
	})
	c := dialReal(t, Config{Endpoints: []string{s.URL + "/"}, Token: "rc_secret"})
	grant, err := c.Grant(t.Context(), "a", wire.Registration{}, GrantOptions{Key: "k", Exclusive: true})
	if err != nil || grant.Epoch != 7 {
		t.Errorf("%+v, %v", grant, err)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "y") {
			w.Header().Set("Content-Type", wire.TypeProblem)
			w.WriteHeader(404)
			fmt.Fprint(w, `{"code":"lease_not_found"}`+strings.Repeat(" ", 20_000))
			return
		}
		fmt.Fprint(w, `{}`+strings.Repeat(" ", 20_000))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := dialReal(t, Config{Endpoints: []string{s.URL}})
	for range 50 {
		_, _ = c.Lease(t.Context(), "x")
		if _, err := c.Lease(t.Context(), "y"); !IsNotFound(err) {
			t.Fatal(err)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for 100 requests, one after the other", n)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("x", 1<<16))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	c := dialReal(t, Config{Endpoints: []string{s.URL}, MaxAnswer: 1 << 20, Retry: Retry{Tries: 1}})
	if raw, _, err := c.Do(t.Context(), "GET", "/v1/alive", nil, nil, nil); !errors.Is(err, ErrAnswerTooLarge) || len(raw) > 1<<20+1 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var elsewhere atomic.Int64
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	c := dialReal(t, Config{Endpoints: []string{s.URL}, Token: "rc_secret"})
	_, err := c.Cluster(t.Context())
	if status, ok := errors.AsType[*StatusError](err); !ok || status.Status != 307 || elsewhere.Load() != 0 {
		t.Errorf("%v, %d requests elsewhere", err, elsewhere.Load())
	}
}

func TestTryHasItsTime(t *testing.T) {
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := dialReal(t, Config{Endpoints: []string{s.URL}, RequestTimeout: 20 * time.Millisecond, Retry: Retry{Base: time.Millisecond}})
	_, err := c.Cluster(t.Context())
	if !IsUnreachable(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if q := c.Quality(); q.Samples != 3 || q.Consecutive != 3 || q.Level != Warning {
		t.Errorf("after three silent tries: %+v", q)
	}
}

func TestCertificatesOfTheNodes(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{}`) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	trusting := dialReal(t, Config{Endpoints: []string{strings.TrimPrefix(s.URL, "https://")}, CACert: path})
	if _, err := trusting.Cluster(t.Context()); err != nil {
		t.Errorf("with the authority, and no scheme: %v", err)
	}
	wary := dialReal(t, Config{Endpoints: []string{s.URL}})
	if _, err := wary.Register(t.Context(), Registration{ID: "a"}); !isUntrusted(err) {
		t.Errorf("without it, register must not try for ever: %v", err)
	}
}

func TestRefusedConnectionHadNoEffect(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	c := dialReal(t, Config{Endpoints: []string{addr}, Retry: Retry{Tries: 1}})
	if err := c.Transfer(t.Context()); !IsUnreachable(err) || !hadNoEffect(err) || !IsRetryable(err) {
		t.Errorf("got %v", err)
	}
}

func TestSessionOverTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/base/v1/session" || r.Header.Get("Authorization") != "Bearer rc_secret" {
			t.Errorf("asked %s with %v", r.URL, r.Header)
		}
		up := websocket.Upgrader{Subprotocols: []string{wire.SessionJSON}}
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		for {
			var h heading
			if err := ws.ReadJSON(&h); err != nil {
				return
			}
			_ = ws.WriteJSON(map[string]any{"op": wire.OpOK, "rid": h.RID, "id": h.To, "offset": 1})
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	c := dialReal(t, Config{Endpoints: []string{s.URL + "/base"}, Token: "rc_secret", CACert: path, Session: true})
	for range 100 {
		if sent, err := c.Send(t.Context(), "a", Message{Body: strings.Repeat("x", 10_000)}); err != nil || sent.ID != "a" {
			t.Fatalf("%+v, %v", sent, err)
		}
	}
	if c.session.current() == nil {
		t.Error("there is no session")
	}
	if _, err := New(Config{CACert: "nowhere", Transport: http.DefaultTransport, Session: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without its authorities: %v", err)
	}
}
