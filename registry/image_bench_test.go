package registry

import "testing"

// BenchmarkFlush hands out what 1,000 grants changed: leases and events.
func BenchmarkFlush(b *testing.B) {
	l := load(b, 1_000)
	grants, ends := strangers(1_000, 1_000)
	written := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		l.apply(ends...)
		l.flush()
		l.apply(grants...)
		b.StartTimer()
		l.Flush(func(_ Kind, key, value []byte) { written += len(key) + len(value) })
	}
	b.ReportMetric(float64(written)/float64(b.N)/1000, "B/grant")
	perEach(b, 1000, "grant")
}

// BenchmarkPackRenewals packs what every snapshot holds of renewals, and takes
// it in again.
func BenchmarkPackRenewals(b *testing.B) {
	sizes(b, func(b *testing.B, l *loaded) {
		for range (len(l.epochs) + 7999) / 8000 {
			l.apply(&Renew{Beats: l.beats(nil, min(8000, len(l.epochs)))})
		}
		packed := l.Renewals()
		b.Run("way=pack", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				packed = l.Renewals()
			}
			b.ReportMetric(float64(len(packed))/float64(len(l.epochs)), "B/lease")
			perEach(b, len(l.epochs), "lease")
		})
		b.Run("way=load", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := l.LoadRenewals(packed); err != nil {
					b.Fatal(err)
				}
			}
			perEach(b, len(l.epochs), "lease")
		})
	})
}

// BenchmarkLoad takes a whole image in, as a start or an installed snapshot
// does.
func BenchmarkLoad(b *testing.B) {
	if testing.Short() {
		b.Skip("seconds to fill")
	}
	const n = 200_000
	r := NewReplica("n1")
	populate(b, r, n, 10_000)
	type record struct {
		kind       Kind
		key, value []byte
	}
	var image []record
	bytes := 0
	r.Flush(func(kind Kind, key, value []byte) {
		image = append(image, record{kind, key, value})
		bytes += len(key) + len(value)
	})
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
	b.ReportMetric(float64(bytes)/n, "B/lease")
	perEach(b, n, "lease")
}
