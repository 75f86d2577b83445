package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

func TestNothingHere(t *testing.T) {
	_, c := newServer(t)
	for _, path := range []string{
		"/v1", "/v1/", "/v2/alive", "/v1/leases/", "/v1/leases/a/", "/v1/leases/a/b", "/v1/alive/", "//v1/alive", "/v1//alive", "/v1/x/../alive",
		"/v1/leases/../alive", "/nonsense", "/healthz/", "/v1/cluster/nodes/", "/v1/leases/a/heartbeat/", "/V1/alive", "/v1/%61live%2F",
	} {
		c.do("GET", path, "").refuses(wire.CodeNotFound)
	}
	c.do("DELETE", "/v1/cluster/nodes/a/b", "").refuses(wire.CodeNotFound)
	c.do("POST", "/v1/leases//heartbeat", `{"epoch":1,"seq":1}`).invalid("id")
}

func TestMethodNotAllowed(t *testing.T) {
	_, c := newServer(t)
	for _, test := range []struct{ method, path, allow string }{
		{"POST", "/v1/leases/a", "PUT GET HEAD PATCH DELETE"},
		{"GET", "/v1/leases", "POST"},
		{"GET", "/v1/leases/a/heartbeat", "POST"},
		{"GET", "/v1/heartbeats", "POST"},
		{"POST", "/v1/alive", "GET HEAD"},
		{"DELETE", "/v1/services", "GET HEAD"},
		{"GET", "/v1/cluster/nodes/n2", "DELETE"},
		{"GET", "/v1/cluster/transfer", "POST"},
		{"BREW", "/v1/alive", "GET HEAD"},
		{"POST", "/healthz", "GET HEAD"},
		{"PUT", "/", "GET HEAD"},
	} {
		r := c.do(test.method, test.path, "")
		r.refuses(wire.CodeMethodNotAllowed)
		for _, method := range strings.Fields(test.allow) {
			if !strings.Contains(r.Header.Get("Allow"), method) {
				t.Errorf("%s %s: Allow %q lacks %s", test.method, test.path, r.Header.Get("Allow"), method)
			}
		}
	}
	c.do("OPTIONS", "/v1/alive", "").is(204)
}

func TestHostAndOrigin(t *testing.T) {
	_, c := newServer(t)
	address := strings.TrimPrefix(c.base, "http://")
	for _, name := range []string{"localhost", "LOCALHOST:1", "localhost.", "127.0.0.1", "10.1.2.3:7700", "[::1]:7700", "[::1]", "rc-1", "rc-1:7700", "RC-1"} {
		c.do("GET", "/v1/alive", "", host(name)).is(200)
	}
	for _, name := range []string{"evil.example", "evil.example:7700", "127.0.0.1.evil.example", "rc-2", "localhost.evil.example", "rc-1.evil.example"} {
		c.do("GET", "/v1/alive", "", host(name)).refuses(wire.CodeForbidden)
		c.do("PUT", "/v1/leases/a", "", host(name)).refuses(wire.CodeForbidden)
		c.do("GET", "/nonsense", "", host(name)).refuses(wire.CodeForbidden)
	}
	c.do("PUT", "/v1/leases/a", "", header("Origin", "http://"+address)).is(201)
	c.do("GET", "/v1/alive", "", host("localhost:80"), header("Origin", "http://localhost")).is(200)
	c.do("GET", "/v1/alive", "", host("localhost"), header("Origin", "https://localhost:443")).is(200)
	for _, origin := range []string{"http://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "file://" + address, "", "%zz"} {
		c.do("PUT", "/v1/leases/a", "", header("Origin", origin)).refuses(wire.CodeForbidden)
	}
	same := header("Origin", "http://"+address)
	c.do("PUT", "/v1/leases/a", "", same, header("Origin", "http://evil.example")).refuses(wire.CodeForbidden)
	c.do("PUT", "/v1/leases/a", "", header("X-Forwarded-For", "127.0.0.1"), header("X-Forwarded-Host", "localhost"), host("evil.example")).refuses(wire.CodeForbidden)
}

func TestRequestID(t *testing.T) {
	_, c := newServer(t)
	for _, id := range []string{"x", "trace 17/ä"[:9], strings.Repeat("i", 128)} {
		if got := c.do("GET", "/v1/alive", "", header(wire.HeaderRequestID, id)).Header.Get(wire.HeaderRequestID); got != id {
			t.Errorf("id %q came back as %q", id, got)
		}
	}
	seen := map[string]bool{}
	for _, id := range []string{"", "", strings.Repeat("i", 129), "ä"} {
		got := c.do("GET", "/nonsense", "", header(wire.HeaderRequestID, id)).Header.Get(wire.HeaderRequestID)
		if got == id || seen[got] || len(got) > 128 {
			t.Errorf("id %q was answered as %q", id, got)
		}
		seen[got] = true
	}
}

func TestNodeErrors(t *testing.T) {
	var log bytes.Buffer
	n := newNode()
	c := serve(t, api.Config{Node: n, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	writes := []func() *reply{
		func() *reply { return c.do("PUT", "/v1/leases/a", "") },
		func() *reply { return c.do("POST", "/v1/leases", "") },
		func() *reply { return c.do("PATCH", "/v1/leases/a", `{"epoch":1}`) },
		func() *reply { return c.do("DELETE", "/v1/leases/a?epoch=1", "") },
		func() *reply { return c.beat("a", 1, 1) },
		func() *reply { return c.do("POST", "/v1/heartbeats", `{"beats":[[1,1]]}`) },
		func() *reply { return c.do("POST", "/v1/cluster/transfer", "") },
		func() *reply { return c.do("DELETE", "/v1/cluster/nodes/n2", "") },
	}
	for _, test := range []struct {
		err  error
		code wire.Code
	}{
		{fmt.Errorf("%w: cut off", api.ErrNoLeader), wire.CodeNoLeader},
		{fmt.Errorf("%w: queue is full", api.ErrOverloaded), wire.CodeOverloaded},
		{errors.New("secret cause"), wire.CodeInternal},
	} {
		n.fail = test.err
		for _, write := range writes {
			r := write()
			r.refuses(test.code)
			if test.code != wire.CodeInternal {
				continue
			}
			if strings.Contains(string(r.body), "secret") || !strings.Contains(log.String(), r.Header.Get(wire.HeaderRequestID)) || !strings.Contains(log.String(), "secret cause") {
				t.Errorf("internal: %s\n%s", r.body, log.String())
			}
		}
	}
	n.fail, n.panics = nil, true
	c.do("PUT", "/v1/leases/a", "").refuses(wire.CodeInternal)
	if !strings.Contains(log.String(), "on purpose") {
		t.Error("the panic is not in the log")
	}
	n.panics = false
	c.do("PUT", "/v1/leases/a", "").is(201)
}

func TestClusterRoutes(t *testing.T) {
	_, c := newServer(t)
	cluster := into[wire.Cluster](c.do("GET", "/v1/cluster", "").is(200))
	if cluster.ClusterID != "c1" || len(cluster.Nodes) != 1 || cluster.Nodes[0].ID != "n1" {
		t.Fatalf("cluster %+v", cluster)
	}
	if got := into[wire.NodeRemoved](c.do("DELETE", "/v1/cluster/nodes/n2", "").is(200)); got.ID != "n2" {
		t.Fatalf("removed %+v", got)
	}
	c.do("DELETE", "/v1/cluster/nodes/n9", "").refuses(wire.CodeNotFound)
	c.do("DELETE", "/v1/cluster/nodes/n1", "").invalid("id")
	c.do("DELETE", "/v1/cluster/nodes/n%2F2", "").invalid("id")
	if got := into[wire.Transferred](c.do("POST", "/v1/cluster/transfer", "").is(200)); got.Leader != "n1" {
		t.Fatalf("transferred %+v", got)
	}
}

func TestReleaseOfTheHeld(t *testing.T) {
	n, c := newServer(t)
	var grants []wire.Grant
	for i := range 3 {
		grants = append(grants, into[wire.Grant](c.do("PUT", fmt.Sprintf("/v1/leases/w%d", i), `{"service":"web"}`).is(201)))
	}
	hold := &registry.Hold{Term: n.at.Term, NS: "default", Service: "web", Reason: "3 of 3", MaxMS: 60_000}
	for _, g := range grants {
		hold.Burials = append(hold.Burials, registry.Burial{Epoch: g.Epoch})
	}
	n.apply(hold)
	if l := into[wire.Lease](c.do("GET", "/v1/leases/w0", "").is(200)); l.State != "held" || l.HeldReason != "3 of 3" {
		t.Errorf("held: %+v", l)
	}
	if page := into[wire.AlivePage](c.do("GET", "/v1/alive?state=held", "").is(200)); page.Count != 3 {
		t.Errorf("listed: %+v", page)
	}
	for _, tt := range []struct {
		query string
		want  int
	}{{"?service=db", 0}, {"?ns=other", 0}, {"?service=web", 3}, {"", 3}} {
		got := into[wire.Released](c.do("POST", "/v1/cluster/release"+tt.query, "").is(200))
		if got.Released != tt.want || got.Revision != n.revision() {
			t.Errorf("%q released %+v", tt.query, got)
		}
	}
	c.do("POST", "/v1/cluster/release?service=a/b", "").invalid("service")
	c.do("POST", "/v1/cluster/release?id=w0", "").invalid("id")
	c.do("POST", "/v1/leases/w0/heartbeat", fmt.Sprintf(`{"epoch":%d,"seq":1}`, grants[0].Epoch)).is(200)
	if l := into[wire.Lease](c.do("GET", "/v1/leases/w0", "").is(200)); l.State != "alive" || l.HeldReason != "" {
		t.Errorf("renewed: %+v", l)
	}
}

func TestOperation(t *testing.T) {
	n, c := newServer(t)
	c.do("GET", "/healthz", "").is(200)
	c.do("HEAD", "/healthz", "").is(200)
	c.do("GET", "/readyz", "").is(200)
	n.status.Ready = errors.New("still catching up")
	if p := c.do("GET", "/readyz", "").refuses(wire.CodeTooStale); p.Detail != "still catching up" {
		t.Errorf("problem %+v", p)
	}
	n.status.Leader = ""
	c.do("GET", "/readyz", "").refuses(wire.CodeNoLeader)
	c.do("GET", "/healthz", "").is(200)
	if r := c.do("GET", "/openapi.yaml", "").is(200); !bytes.HasPrefix(r.body, []byte("openapi: 3.1.")) {
		t.Errorf("document %.40q", r.body)
	}
	if r := c.do("GET", "/", "").is(200); !strings.Contains(string(r.body), "/openapi.yaml") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("welcome %q", r.body)
	}
}

func TestMetrics(t *testing.T) {
	_, c := newServer(t)
	g := c.register("a", "")
	c.beat("a", g.Epoch, 2)
	c.beat("a", g.Epoch, 2)
	c.beat("a", g.Epoch, 1)
	c.do("POST", "/v1/heartbeats", fmt.Sprintf(`{"beats":[[%d,3],[%d,4],[99,1]]}`, g.Epoch, g.Epoch))
	c.do("GET", "/nonsense", "")
	page := string(c.do("GET", "/metrics", "").is(200).body)
	for _, line := range []string{
		`rollcall_heartbeats_total{outcome="accepted"} 3`,
		`rollcall_heartbeats_total{outcome="duplicate"} 1`,
		`rollcall_heartbeats_total{outcome="stale_sequence"} 1`,
		`rollcall_heartbeats_total{outcome="lease_not_found"} 1`,
		`rollcall_heartbeats_total{outcome="lost"} 0`,
		`rollcall_http_requests_total{code="200",route="POST /v1/leases/{id}/heartbeat"} 2`,
		`rollcall_http_requests_total{code="409",route="POST /v1/leases/{id}/heartbeat"} 1`,
		`rollcall_http_requests_total{code="404",route="none"} 1`,
		`rollcall_http_request_duration_seconds_count{route="PUT /v1/leases/{id}"} 1`,
		`rollcall_http_requests_in_flight 1`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := api.New(api.Config{}); err == nil {
		t.Error("a server without a node")
	}
	if _, err := api.New(api.Config{Node: newNode(), Limits: api.Limits{MinTTL: 2, MaxTTL: 1}}); err == nil {
		t.Error("limits that contradict each other")
	}
	reg := prometheus.NewRegistry()
	if _, err := api.New(api.Config{Node: newNode(), Registry: reg}); err != nil {
		t.Error(err)
	}
	if _, err := api.New(api.Config{Node: newNode(), Registry: reg}); err == nil {
		t.Error("two servers share their metrics")
	}
}

func TestServerHasTimeouts(t *testing.T) {
	s, err := api.New(api.Config{Node: newNode()})
	if err != nil {
		t.Fatal(err)
	}
	h := s.HTTPServer()
	if h.ReadHeaderTimeout <= 0 || h.ReadTimeout <= 0 || h.WriteTimeout < wire.MaxMinRevWait || h.IdleTimeout <= 0 || h.MaxHeaderBytes != 16<<10 {
		t.Errorf("%+v", h)
	}
	_ = http.Handler(s.Handler())
}
