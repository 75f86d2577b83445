package clientsdk

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// unused is an address where nobody listens.
func unused(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestProbeAnyNeedsOneChannel(t *testing.T) {
	well := serve(t, func(http.ResponseWriter, *http.Request) {})
	sick := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	wellAddr := strings.TrimPrefix(well.URL, "http://")
	nobody := unused(t)
	cases := []struct {
		name, tcp, http string
		well            bool
	}{
		{"both", wellAddr, well.URL, true},
		{"TCP only", wellAddr, sick.URL, true},
		{"HTTP only", nobody, well.URL, true},
		{"neither", nobody, sick.URL, false},
	}
	for _, c := range cases {
		err := ProbeAny(c.tcp, c.http, 2*time.Second)(t.Context())
		if (err == nil) != c.well {
			t.Errorf("%s: %v", c.name, err)
		}
		if !c.well && (!strings.Contains(err.Error(), nobody) || !strings.Contains(err.Error(), "503")) {
			t.Errorf("%s: %q does not name both failures", c.name, err)
		}
	}
}

func TestProbeHTTPIsAboutThisAnswer(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/well", http.StatusFound)
		case "/slow":
			<-r.Context().Done()
		}
	})
	if err := ProbeHTTP(s.URL+"/well", time.Second)(t.Context()); err != nil {
		t.Error(err)
	}
	if err := ProbeHTTP(s.URL+"/moved", time.Second)(t.Context()); err == nil {
		t.Error("a redirect is not 2xx")
	}
	if err := ProbeHTTP(s.URL+"/slow", 20*time.Millisecond)(t.Context()); err == nil {
		t.Error("an answer that does not come in time")
	}
	if err := ProbeHTTP("://", time.Second)(t.Context()); err == nil {
		t.Error("no URL")
	}
}

func TestAnyAsksAtOnceAndLeavesNobodyBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomicCount
		slow := func(ctx context.Context) error {
			defer ended.add()
			return sleep(ctx, time.Hour)
		}
		quick := func(ctx context.Context) error { return sleep(ctx, time.Second) }
		start := time.Now()
		if err := Any(slow, quick, slow)(t.Context()); err != nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v, want success after the quickest", err, time.Since(start))
		}
		if ended.get() != 2 {
			t.Error("the slow ones were not waited for")
		}
		start = time.Now()
		bad := func(ctx context.Context) error { return errors.Join(sleep(ctx, time.Second), errSick) }
		if err := Any(bad, bad)(t.Context()); !errors.Is(err, errSick) || time.Since(start) != time.Second {
			t.Errorf("%v after %v, want both, at once", err, time.Since(start))
		}
	})
}

func TestAllNeedsEveryOne(t *testing.T) {
	well := func(context.Context) error { return nil }
	sick := func(context.Context) error { return errSick }
	mad := func(context.Context) error { panic("in a probe") }
	if err := All(well, well)(t.Context()); err != nil {
		t.Error(err)
	}
	if err := All(well, sick)(t.Context()); !errors.Is(err, errSick) {
		t.Errorf("got %v", err)
	}
	if err := Any(mad, sick)(t.Context()); err == nil || !strings.Contains(err.Error(), "in a probe") {
		t.Errorf("got %v", err)
	}
	for _, none := range []Probe{Any(), All()} {
		if err := none(t.Context()); !errors.Is(err, ErrNoProbe) {
			t.Errorf("got %v", err)
		}
	}
}
