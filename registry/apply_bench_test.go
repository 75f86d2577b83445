package registry

import (
	"fmt"
	"testing"
)

// BenchmarkApplyBeats is an entry of that many renewals, spread over all
// leases: the way of every heartbeat on every node.
func BenchmarkApplyBeats(b *testing.B) {
	sizes(b, func(b *testing.B, l *loaded) {
		for _, batch := range []int{1, 16, 1000, 8000} {
			b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
				beats := make(Beats, 0, batch*BeatSize)
				b.ReportAllocs()
				for b.Loop() {
					beats = l.beats(beats[:0], batch)
					out := l.apply(&Renew{Beats: beats})
					if c := out.Results[0].Beats[0].Code; c != OK && c != Duplicate {
						b.Fatalf("code %d", c)
					}
				}
				perEach(b, batch, "beat")
			})
		}
	})
}

// round is how many are granted, or buried, between two stops of the clock:
// it is stopped seldom, since that takes longer than an entry.
const round = 2048

// BenchmarkApplyGrant is an entry of so many grants of new ids. They end while
// the clock stands.
func BenchmarkApplyGrant(b *testing.B) {
	sizes(b, func(b *testing.B, l *loaded) {
		grants, ends := strangers(len(l.epochs), round)
		for _, batch := range []int{1, 64, 1024} {
			b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i += batch {
					if i%round == 0 {
						b.StopTimer()
						l.apply(ends...)
						l.flush()
						b.StartTimer()
					}
					l.apply(grants[i%round:][:batch]...)
				}
				perEach(b, batch, "grant")
			})
		}
		l.apply(ends...)
	})
}

// strangers returns grants of n ids beyond the first so many, and their ends.
func strangers(beyond, n int) (grants, ends []Command) {
	for i := range n {
		g := typical(beyond+i, 10_000)
		grants = append(grants, g)
		ends = append(ends, &Evict{g.NS, g.ID})
	}
	return grants, ends
}

// BenchmarkApplyTakeOver is an entry of one grant of an id that is alive.
func BenchmarkApplyTakeOver(b *testing.B) {
	sizes(b, func(b *testing.B, l *loaded) {
		grants, _ := strangers(len(l.epochs), 1024)
		l.apply(grants...)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			l.apply(grants[i%len(grants)])
			if l.FlushSize() > 8<<20 {
				l.flush()
			}
		}
	})
}

// BenchmarkApplyExpire is an entry that buries so many, certificates and
// events included. They come back while the clock stands.
func BenchmarkApplyExpire(b *testing.B) {
	sizes(b, func(b *testing.B, l *loaded) {
		grants, _ := strangers(len(l.epochs), round)
		for _, batch := range []int{1, 64, 2048} {
			b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
				var doomed []Burial
				b.ReportAllocs()
				for i := 0; b.Loop(); i += batch {
					if i%round == 0 {
						b.StopTimer()
						doomed = l.doomed(grants)
						b.StartTimer()
					}
					out := l.apply(&Expire{Term: 1, Burials: doomed[i%round:][:batch]})
					if out.Results[0].Buried != batch {
						b.Fatalf("%d of %d buried", out.Results[0].Buried, batch)
					}
				}
				perEach(b, batch, "burial")
			})
		}
	})
}

// doomed grants ids and returns their burials.
func (l *loaded) doomed(grants []Command) (burials []Burial) {
	for _, r := range l.apply(grants...).Results {
		burials = append(burials, Burial{Epoch: r.Lease.Epoch, AgeMS: 10_100, OverdueMS: 100})
	}
	l.flush()
	return burials
}

// BenchmarkApplyMixed is an entry as a busy second has it: 1,000 renewals, 16
// take-overs, 4 changes of a lease, 4 messages and their acknowledgements.
func BenchmarkApplyMixed(b *testing.B) {
	sizes(b, func(b *testing.B, l *loaded) {
		grants, _ := strangers(len(l.epochs), 1024)
		held := l.apply(grants...).Results
		beats := make(Beats, 0, 1000*BeatSize)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			beats = l.beats(beats[:0], 1000)
			commands := []Command{&Renew{Beats: beats}}
			at := i * 16 % len(grants)
			commands = append(commands, grants[at:at+16]...)
			for j := range 4 {
				k := (at + 16 + j) % len(grants)
				id := messageID(4*i + j)
				commands = append(commands, draining(&held[k]),
					&Send{NS: "default", ID: held[k].Lease.ID, Message: id, TTL: 3_600_000, Body: Body{Data: make([]byte, 200)}},
					&Ack{NS: "default", ID: held[k].Lease.ID, Messages: []MessageID{id}})
			}
			out := l.apply(commands...)
			for j := range 16 {
				held[at+j] = out.Results[1+j]
			}
			if l.FlushSize() > 8<<20 {
				l.flush()
			}
		}
	})
}

// draining is the change of a lease that begins to drain, or goes on to.
func draining(r *Result) *Patch {
	return &Patch{NS: r.Lease.NS, ID: r.Lease.ID, Epoch: r.Lease.Epoch, State: new(Draining)}
}
