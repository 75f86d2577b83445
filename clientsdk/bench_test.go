package clientsdk

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// parrot answers every request with the same.
type parrot string

func (p parrot) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {wire.TypeJSON}},
		Body: io.NopCloser(bytes.NewReader([]byte(p))), Request: r,
	}, nil
}

func newParroted(b *testing.B, says parrot) *Client {
	b.Helper()
	c, err := New(Config{Endpoints: []string{"http://n1"}, Transport: says})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c
}

const saysRenewed parrot = `{"id":"web-1","epoch":4711,"seq":1,"ttl_ms":10000,"expires_in_ms":10000,"heartbeat_every_ms":3333,"pending":0,"duplicate":false,"revision":4711}`

// BenchmarkHeartbeat is one renewal by hand, without a network.
func BenchmarkHeartbeat(b *testing.B) {
	c := newParroted(b, saysRenewed)
	b.ReportAllocs()
	for seq := uint64(1); b.Loop(); seq++ {
		if _, err := c.Heartbeat(b.Context(), "web-1", wire.Heartbeat{Epoch: 4711, Seq: seq}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkKeeperBeat is what a kept lease does every T/3, without a network.
func BenchmarkKeeperBeat(b *testing.B) {
	c := newParroted(b, saysRenewed)
	l := &Lease{
		client: c, meter: newMeter(c.config.Warning, c.config.Critical),
		reg: Registration{ID: "web-1", TTL: 10 * time.Second}, hold: hold{id: "web-1", epoch: 4711},
	}
	k := newKeeper(l)
	b.ReportAllocs()
	for seq := uint64(1); b.Loop(); seq++ {
		if err := k.tryBeat(b.Context(), &beat{seq: seq}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGatewayBatch is one request of a gateway, from the devices that were
// heard to what became of them.
func BenchmarkGatewayBatch(b *testing.B) {
	for _, n := range []int{16, 1000, 10_000} {
		b.Run(fmt.Sprintf("beats=%d", n), func(b *testing.B) {
			c := newParroted(b, parrot(fmt.Sprintf(`{"accepted":%d,"duplicates":0,"rejected":[],"pending":[],"revision":4711}`, n)))
			g := &Gateway{client: c, config: GatewayConfig{Leases: n, Batch: n}, wake: make(chan struct{}, 1), leases: map[string]*tracked{}}
			ids := make([]string, n)
			for i := range ids {
				ids[i] = fmt.Sprintf("device-%06d", i)
				_ = g.Track(ids[i], uint64(i)+1, 0)
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, id := range ids {
					_ = g.Beat(id)
				}
				g.deliver(b.Context(), g.take())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/beat")
		})
	}
}

// BenchmarkSessionFrame is a heartbeat as it travels on a session.
func BenchmarkSessionFrame(b *testing.B) {
	c := newParroted(b, "{}")
	k := heartbeatCall("web-1")
	k.body = []byte(`{"epoch":4711,"seq":17}`)
	b.ReportAllocs()
	for rid := uint64(1); b.Loop(); rid++ {
		if frame := c.frameOf(k, rid); len(frame) < 50 {
			b.Fatalf("%s", frame)
		}
	}
}
