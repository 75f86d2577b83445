package registry

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// populate grants n leases of typical size and returns their epochs in random
// order.
func populate(b testing.TB, r *Replica, n int, ttl uint32) []uint64 {
	epochs := make([]uint64, 0, n)
	const batch = 1000
	for i := 0; i < n; i += batch {
		e := Entry{Wall: 1, Proposer: "n1"}
		for j := range min(batch, n-i) {
			e.Commands = append(e.Commands, typical(i+j, ttl))
		}
		out := r.Apply(Position{Index: r.Index() + 1, Term: 1}, &e, 0)
		for k := range out.Results {
			epochs = append(epochs, out.Results[k].Lease.Epoch)
		}
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(n, func(i, j int) { epochs[i], epochs[j] = epochs[j], epochs[i] })
	return epochs
}

// typical is a lease with an id of 40 bytes, a service, an address, two tags
// and a meta pair.
func typical(i int, ttl uint32) *Grant {
	return &Grant{NS: "default", ID: fmt.Sprintf("%08x-aaaa-bbbb-cccc-dddddddd-%012d", uint32(i)*2654435761, i)[:40], TTL: ttl, Spec: Spec{
		Service: "web", Address: "10.0.0.5", Port: 8080, Tags: []string{"v2", "eu"}, Meta: []Pair{{"zone", "a"}},
	}}
}

func sizes(b *testing.B, f func(b *testing.B, n int)) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("leases=%d", n), func(b *testing.B) { f(b, n) })
	}
}

func BenchmarkRenew(b *testing.B) {
	sizes(b, func(b *testing.B, n int) {
		const batch = 1000
		r := NewReplica("n1")
		epochs := populate(b, r, n, 10_000)
		r.Flush(func(Kind, []byte, []byte) {})
		seq := uint64(1)
		at := 0
		b.ReportAllocs()
		b.ResetTimer()
		for done := 0; done < b.N; done += batch {
			beats := make(Beats, 0, batch*BeatSize)
			for range batch {
				beats = beats.Append(epochs[at], seq)
				if at++; at == n {
					at, seq = 0, seq+1
				}
			}
			e := Entry{Proposer: "n1", Commands: []Command{&Renew{Beats: beats}}}
			out := r.Apply(Position{Index: r.Index() + 1, Term: 1}, &e, 0)
			if c := out.Results[0].Beats[batch-1].Code; c != OK {
				b.Fatalf("code %d", c)
			}
		}
	})
}

func BenchmarkGrantAndLeave(b *testing.B) {
	sizes(b, func(b *testing.B, n int) {
		r := NewReplica("n1")
		populate(b, r, n, 10_000)
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			g := typical(n+i, 10_000)
			r.Apply(Position{Index: r.Index() + 1, Term: 1}, &Entry{Commands: []Command{g, &Evict{g.NS, g.ID}}}, 0)
		}
	})
}

func BenchmarkGrant(b *testing.B) {
	r := NewReplica("n1")
	b.ReportAllocs()
	for i := range b.N {
		r.Apply(Position{Index: r.Index() + 1, Term: 1}, &Entry{Commands: []Command{typical(i, 10_000)}}, 0)
	}
}

// A tick with a million leases, of which 1 in 500 fires because it was renewed
// since it was last looked at.
func BenchmarkTick(b *testing.B) {
	sizes(b, func(b *testing.B, n int) {
		r := NewReplica("n1")
		r.Tick(0)
		epochs := populate(b, r, n, 10_000)
		mono := time.Duration(0)
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			mono += TickEvery
			r.deadlines.present = r.Clock(mono)
			for range n / 500 {
				slot, _ := r.live(epochs[rand.IntN(n)])
				r.deadlines.renew(slot, 10_000)
			}
			r.Tick(mono)
		}
	})
}

func BenchmarkList(b *testing.B) {
	sizes(b, func(b *testing.B, n int) {
		r := NewReplica("n1")
		populate(b, r, n, 10_000)
		q := Query{NS: "default", Service: "web", Tags: []string{"eu"}, Limit: 1000}
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			page := r.List(q)
			if q.After = page.Next; !page.More {
				q.After = ""
			}
		}
	})
}

func BenchmarkDecodeEntry(b *testing.B) {
	for name, c := range map[string]Command{"renew=1000": &Renew{Beats: make(Beats, 1000*BeatSize)}, "grant": typical(1, 1)} {
		b.Run(name, func(b *testing.B) {
			e := Entry{Proposer: "n1", Commands: []Command{c}}
			data := e.Append(nil)
			b.ReportAllocs()
			for range b.N {
				if _, err := DecodeEntry(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	r := NewReplica("n1")
	populate(b, r, 200_000, 10_000)
	type record struct {
		kind       Kind
		key, value []byte
	}
	var image []record
	r.Flush(func(kind Kind, key, value []byte) { image = append(image, record{kind, key, value}) })
	b.ReportAllocs()
	for b.Loop() {
		again := NewReplica("n1")
		for _, rec := range image {
			if err := again.Load(rec.kind, rec.key, rec.value); err != nil {
				b.Fatal(err)
			}
		}
		if err := again.Loaded(); err != nil {
			b.Fatal(err)
		}
	}
}

// What a lease costs: at most 300 bytes of live heap, all indexes and its
// deadline included.
func TestLeasesAreSmall(t *testing.T) {
	const n = 20_000
	r := NewReplica("n1")
	r.Apply(Position{1, 1}, &Entry{Commands: []Command{&Serve{Term: 1, Retention: Retention{EventMax: 1}}}}, 0)
	before := heap()
	populate(t, r, n, 10_000)
	r.Flush(func(Kind, []byte, []byte) {})
	each := (heap() - before) / n
	t.Logf("%d bytes a lease", each)
	if each > 300 {
		t.Errorf("a lease costs %d bytes", each)
	}
	runtime.KeepAlive(r)
}

// What a kept event costs: at most 300 bytes of live heap, its place in the
// history of its id included.
func TestEventsAreSmall(t *testing.T) {
	const n = 20_000
	r := NewReplica("n1")
	populate(t, r, n, 10_000)
	r.Flush(func(Kind, []byte, []byte) {})
	before := heap()
	for _, state := range []LeaseState{Draining, Alive} {
		var e Entry
		for i := range n {
			e.Commands = append(e.Commands, &Patch{NS: "default", ID: typical(i, 1).ID, Epoch: uint64(i) + 1, State: &state})
		}
		r.Apply(Position{Index: r.Index() + 1, Term: 1}, &e, 0)
		r.Flush(func(Kind, []byte, []byte) {})
	}
	each := (heap() - before) / (2 * n)
	t.Logf("%d bytes an event", each)
	if each > 300 || r.events.count != 3*n {
		t.Errorf("an event costs %d bytes, %d are kept", each, r.events.count)
	}
	runtime.KeepAlive(r)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
