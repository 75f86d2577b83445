package node

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// quickLog answers every batch at once, with nothing behind it.
type quickLog struct{ index atomic.Uint64 }

func (l *quickLog) Send(b *collector.Batch, done func([]registry.Result, collector.Commit, error)) {
	results := make([]registry.Result, len(b.Commands))
	for i, cmd := range b.Commands {
		if r, ok := cmd.(*registry.Renew); ok {
			results[i].Beats = make([]registry.BeatResult, r.Beats.Len())
		}
	}
	at := collector.Commit{Index: l.index.Add(1)}
	go done(results, at, nil)
}

// BenchmarkForwardedBeat is a beat of one of 512 callers on a follower: its
// collector, a stream over TCP, the leader's collector, and back.
func BenchmarkForwardedBeat(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	var parts sync.WaitGroup
	leader := &oneLeader{Collector: collector.New(collector.Config{})}
	leader.Attach(&quickLog{}, true)
	follower := collector.New(collector.Config{})
	parts.Go(func() { leader.Run(ctx) })
	parts.Go(func() { follower.Run(ctx) })

	far, near := benchPort(b, "n1"), benchPort(b, "n2")
	far.HandleStream(func(from peer.Identity, s *peer.Stream) { _ = serveForward(ctx, from.ServerID(), s, leader) })
	stream, err := near.DialStream(ctx, far.Addr(), "")
	if err != nil {
		b.Fatal(err)
	}
	link := newForwarder(stream, func([]byte, time.Time) ([]byte, error) { return nil, nil })
	parts.Go(func() { _ = link.Run(ctx) })
	follower.Attach(link, false)

	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var callers sync.WaitGroup
	for caller := range uint64(512) {
		callers.Go(func() {
			for seq := uint64(1); left.Add(-1) >= 0; seq++ {
				if _, _, err := follower.Beat(ctx, caller, seq); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "beats/s")
	cancel()
	parts.Wait()
}

func benchPort(b *testing.B, node string) *peer.Port {
	id := peer.Identity{Node: node, Incarnation: fmt.Sprintf("%016x", node), ClusterID: "bench"}
	port, err := peer.Open(peer.Config{Network: peer.TCP{}, Addr: "127.0.0.1:0", Identity: func() peer.Identity { return id }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = port.Close() })
	return port
}
