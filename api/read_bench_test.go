package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// filled is a node whose replica holds leases of typical size and a mailbox.
type filled struct {
	instant
	replica *registry.Replica
}

func (f *filled) View(look func(*registry.Replica, time.Duration)) { look(f.replica, 0) }

func (f *filled) Status() Status { return Status{Leader: "n1", StalenessKnown: true} }

func (f *filled) Record(kind registry.Kind, key []byte) ([]byte, bool, error) {
	record, known := f.replica.Record(kind, key)
	return record, known, nil
}

// newFilled grants so many leases: an id of 40 bytes, a service, an address, two
// tags, of which one in fifty has another, and a meta pair. Messages of 200
// bytes wait in one mailbox.
func newFilled(leases, messages int) *filled {
	f := &filled{replica: registry.NewReplica("n1")}
	for i := range leases {
		f.apply(someGrant(i))
	}
	body := fmt.Appendf(nil, `{"text":"%0190d"}`, 1)
	for i := range messages {
		f.apply(&registry.Send{
			NS: "default", ID: "box", Message: registry.MessageID{byte(i >> 8), byte(i)}, TTL: 3_600_000,
			Body: registry.Body{From: "billing", Data: body},
		})
	}
	return f
}

func (f *filled) apply(commands ...registry.Command) registry.Outcome {
	e := registry.Entry{Wall: 1_795_000_000_000, Proposer: "n1", Commands: commands}
	return f.replica.Apply(registry.Position{Index: f.replica.Index() + 1, Term: 1}, &e, 0)
}

func someGrant(i int) *registry.Grant {
	g := &registry.Grant{NS: "default", ID: someID(i), TTL: 10_000, Spec: registry.Spec{
		Service: "web", Address: "10.0.0.5", Port: 8080, Tags: []string{"v2", "eu"}, Meta: []registry.Pair{{Key: "zone", Value: "a"}},
	}}
	if i%50 == 0 {
		g.Spec.Tags[1] = "us"
	}
	return g
}

func someID(i int) string { return fmt.Sprintf("web-000000000000000000000000000-%08d", i) }

// BenchmarkAliveShared is a page that was encoded before and still holds, from its
// request to its answer; BenchmarkAlive has those that are encoded, too.
func BenchmarkAliveShared(b *testing.B) {
	node := newFilled(2_000, 0)
	for _, c := range []struct{ name, query, accept string }{
		{"filter=none/codec=json", "", ""},
		{"filter=none/codec=cbor", "", wire.TypeCBOR},
		{"filter=service/codec=json", "&service=web&tag=eu", ""},
		{"filter=rare/codec=json", "&service=web&tag=us", ""},
		{"fields=3/codec=json", "&fields=id,address,port", ""},
	} {
		for _, limit := range []int{100, 1000} {
			b.Run(fmt.Sprintf("%s/limit=%d", c.name, limit), func(b *testing.B) {
				exchange(b, node, inquiry{
					method: http.MethodGet, path: fmt.Sprintf("%s?limit=%d%s", wire.PathAlive, limit, c.query), accept: c.accept,
				})
			})
		}
	}
}

// BenchmarkAliveUnchanged is the question of who knows the answer already.
func BenchmarkAliveUnchanged(b *testing.B) {
	a := newAsker(b, newFilled(2_000, 0), inquiry{method: http.MethodGet, path: wire.PathAlive + "?limit=1000"})
	if a.ask() != http.StatusOK {
		b.Fatal(a.answer.status)
	}
	a.request.Header.Set("If-None-Match", a.answer.header.Get("Etag"))
	b.ReportAllocs()
	for b.Loop() {
		if a.ask() != http.StatusNotModified {
			b.Fatal(a.answer.status)
		}
	}
}

// BenchmarkLease is one lease, from its request to its answer.
func BenchmarkLease(b *testing.B) {
	node := newFilled(2_000, 0)
	for name, accept := range map[string]string{"codec=json": "", "codec=cbor": wire.TypeCBOR} {
		b.Run(name, func(b *testing.B) {
			exchange(b, node, inquiry{method: http.MethodGet, path: "/v1/leases/" + someID(1000), accept: accept})
		})
	}
}

// BenchmarkReadMail is a page of a mailbox, from its request to its answer.
func BenchmarkReadMail(b *testing.B) {
	node := newFilled(0, 1_000)
	for _, limit := range []int{1, 100} {
		b.Run(fmt.Sprintf("limit=%d", limit), func(b *testing.B) {
			exchange(b, node, inquiry{method: http.MethodGet, path: fmt.Sprintf("/v1/mailboxes/box/messages?after=500&limit=%d", limit)})
			perEach(b, limit, "message")
		})
	}
}

// BenchmarkEncodeEvent is what the hub does once for each event.
func BenchmarkEncodeEvent(b *testing.B) {
	f := newFilled(0, 0)
	registered := f.apply(someGrant(1)).Events[0]
	left := f.apply(&registry.Evict{NS: "default", ID: someID(1)}).Events[0]
	for name, e := range map[string]*registry.Event{"type=registered": &registered, "type=evicted": &left} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				size = len(EncodeEvent(e))
			}
			b.ReportMetric(float64(size), "B/event")
		})
	}
}
