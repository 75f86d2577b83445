package registry

import (
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkTick is a tick of the judge while 1 lease in 500 fires, because it
// was renewed since it was last looked at.
func BenchmarkTick(b *testing.B) {
	sizes(b, func(b *testing.B, l *loaded) {
		random := rand.New(rand.NewPCG(1, 1))
		mono := time.Duration(0)
		l.Tick(0)
		b.ReportAllocs()
		for b.Loop() {
			mono += TickEvery
			l.deadlines.present = l.Clock(mono)
			for range max(1, len(l.epochs)/500) {
				slot, _ := l.live(l.epochs[random.IntN(len(l.epochs))])
				l.deadlines.renew(slot, 10_000)
			}
			l.Tick(mono)
		}
	})
}
