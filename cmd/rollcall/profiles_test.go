package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestProfilesAreServed: of the heap, and of what goroutines wait for, until
// ctx ends.
func TestProfilesAreServed(t *testing.T) {
	p, err := openProfiles("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.serve(ctx)
	}()
	url := "http://" + p.listener.Addr().String() + "/debug/pprof/"
	for _, name := range []string{"heap", "mutex", "block", "goroutine?debug=1"} {
		response, err := http.Get(url + name)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("%s: status %d, %d bytes, %v", name, response.StatusCode, len(body), err)
		}
	}
	cancel()
	<-done
	if _, err := http.Get(url + "heap"); err == nil {
		t.Error("profiles are served after the end")
	}
}

// TestProfilesAreForLoopback: who reads them reads memory.
func TestProfilesAreForLoopback(t *testing.T) {
	for _, addr := range []string{":6060", "0.0.0.0:6060", "192.0.2.1:6060", "6060"} {
		_, err := openProfiles(addr)
		var exit *exitError
		if !errors.As(err, &exit) || exit.code != exitUsage || !strings.Contains(err.Error(), "debug-addr") {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if p, err := openProfiles(""); p != nil || err != nil {
		t.Errorf("without an address: %v, %v", p, err)
	}
}
