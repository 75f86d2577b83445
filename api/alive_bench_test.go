package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// list asks the handler for a page again and again.
func list(b *testing.B, n *shelf, path string, header http.Header, status int, between func()) {
	b.Helper()
	s, err := New(Config{Node: n})
	if err != nil {
		b.Fatal(err)
	}
	handler := s.Handler()
	req, err := http.NewRequest("GET", "http://127.0.0.1:7700"+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header = header
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		between()
		clear(w.header)
		w.status = http.StatusOK
		req.URL.RawPath = ""
		handler.ServeHTTP(w, req)
		if w.status != status {
			b.Fatal(w.status)
		}
	}
}

// typical fills a node with leases of typical size, a thousand a service, on a
// clock that runs.
func typical(leases int) *shelf {
	n, start := newShelf(), time.Now()
	n.mono = func() time.Duration { return time.Since(start) }
	for i := range leases {
		n.apply(&registry.Grant{
			NS: "default", ID: fmt.Sprintf("%08x-aaaa-bbbb-cccc-dddddddd-%012d", uint32(i)*2654435761, i)[:40], TTL: 10_000,
			Spec: registry.Spec{
				Service: fmt.Sprintf("web-%d", i/1000), Address: "10.0.0.5", Port: 8080,
				Tags: []string{"eu", "v2"}, Meta: []registry.Pair{{Key: "zone", Value: "a"}},
			},
		})
	}
	return n
}

const page1000 = "/v1/alive?service=web-0&limit=1000"

// BenchmarkAlive is a page of 1,000 leases: asked again at once, and after a
// renewal.
func BenchmarkAlive(b *testing.B) {
	n := typical(1000)
	first := n.rows(registry.Query{NS: "default", Service: "web-0", Limit: 1000})
	seq := uint64(0)
	renew := func() { // so that no answer of before is one of now
		seq++
		n.apply(&registry.Renew{Beats: registry.Beats(nil).Append(first[seq%1000].Epoch, seq)})
	}
	for name, between := range map[string]func(){"again": func() {}, "renewed": renew} {
		b.Run("full/"+name, func(b *testing.B) { list(b, n, page1000, http.Header{}, 200, between) })
		b.Run("fields/"+name, func(b *testing.B) { list(b, n, page1000+"&fields=id,address,port", http.Header{}, 200, between) })
		b.Run("cbor/"+name, func(b *testing.B) {
			list(b, n, page1000, http.Header{"Accept": {"application/cbor"}}, 200, between)
		})
		b.Run("unchanged/"+name, func(b *testing.B) { list(b, n, page1000, http.Header{"If-None-Match": {"*"}}, 304, between) })
	}
}

// BenchmarkAliveOfMany is one page after another of 100,000 leases.
func BenchmarkAliveOfMany(b *testing.B) {
	n := typical(100_000)
	i := 0
	path := func() string { i++; return fmt.Sprintf("service=web-%d&limit=1000", i*7919%100) }
	s, err := New(Config{Node: n})
	if err != nil {
		b.Fatal(err)
	}
	handler := s.Handler()
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		req, _ := http.NewRequest("GET", "http://127.0.0.1:7700/v1/alive?"+path(), nil)
		clear(w.header)
		handler.ServeHTTP(w, req)
	}
}
