package registry

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
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

// sizes runs a benchmark on replicas of that many leases, each filled once for
// all that f runs below it. Those that take seconds to fill are left out of
// short runs.
func sizes(b *testing.B, f func(b *testing.B, l *loaded)) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("leases=%d", n), func(b *testing.B) {
			if testing.Short() && n > 1_000 {
				b.Skip("seconds to fill")
			}
			f(b, load(b, n))
		})
	}
}

// loaded is a replica with leases of typical size, as they are long after
// their grants: nothing waits to be flushed.
type loaded struct {
	*Replica
	epochs []uint64 // in random order
	seq    uint64   // of the next round over all of them
	at     int      // in epochs
}

func load(b testing.TB, n int) *loaded {
	b.Helper()
	l := &loaded{Replica: NewReplica("n1"), seq: 1}
	l.epochs = populate(b, l.Replica, n, 10_000)
	l.flush()
	return l
}

func (l *loaded) flush() { l.Flush(func(Kind, []byte, []byte) {}) }

// apply applies commands as the next entry.
func (l *loaded) apply(commands ...Command) Outcome {
	return l.Apply(Position{Index: l.Index() + 1, Term: 1}, &Entry{Wall: 1, Proposer: "n1", Commands: commands}, 0)
}

// beats appends the next n renewals to dst: of all leases in turn.
func (l *loaded) beats(dst Beats, n int) Beats {
	for range n {
		dst = dst.Append(l.epochs[l.at], l.seq)
		if l.at++; l.at == len(l.epochs) {
			l.at, l.seq = 0, l.seq+1
		}
	}
	return dst
}

// perEach reports what one of n things in an operation took.
func perEach(b *testing.B, n int, name string) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/"+name)
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
