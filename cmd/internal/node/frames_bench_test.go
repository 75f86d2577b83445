package node

import (
	"fmt"
	"testing"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// forwarded is a batch of so many beats, and what the leader answers.
func forwarded(n int) (batch []registry.Command, results []registry.Result) {
	beats := make(registry.Beats, 0, n*registry.BeatSize)
	outcomes := make([]registry.BeatResult, n)
	for i := range n {
		beats = beats.Append(1_000_000+uint64(i), 17)
		outcomes[i] = registry.BeatResult{TTL: 10_000, RemainingMS: 10_000}
	}
	return []registry.Command{&registry.Renew{Beats: beats}}, []registry.Result{{Revision: 1_000_000, Beats: outcomes}}
}

func frames(b *testing.B, f func(b *testing.B, n int)) {
	for _, n := range []int{1, 16, 1000, 8000} {
		b.Run(fmt.Sprintf("beats=%d", n), func(b *testing.B) {
			f(b, n)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/beat")
		})
	}
}

// BenchmarkEncodeBatchFrame is what a follower does for a batch.
func BenchmarkEncodeBatchFrame(b *testing.B) {
	frames(b, func(b *testing.B, n int) {
		commands, _ := forwarded(n)
		frame := appendBatch(nil, commands)
		b.SetBytes(int64(len(frame)))
		b.ReportAllocs()
		for b.Loop() {
			frame = appendBatch(frame[:0], commands)
		}
	})
}

// BenchmarkDecodeBatchFrame is what the leader does for it.
func BenchmarkDecodeBatchFrame(b *testing.B) {
	frames(b, func(b *testing.B, n int) {
		commands, _ := forwarded(n)
		frame := appendBatch(nil, commands)
		b.SetBytes(int64(len(frame)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := parseBatch(frame); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEncodeResultsFrame is the leader's answer.
func BenchmarkEncodeResultsFrame(b *testing.B) {
	frames(b, func(b *testing.B, n int) {
		_, results := forwarded(n)
		frame := appendResults(nil, results, collector.Commit{Index: 1})
		b.SetBytes(int64(len(frame)))
		b.ReportAllocs()
		for b.Loop() {
			frame = appendResults(frame[:0], results, collector.Commit{Index: 1})
		}
	})
}

// BenchmarkDecodeResultsFrame is what the follower does with that.
func BenchmarkDecodeResultsFrame(b *testing.B) {
	frames(b, func(b *testing.B, n int) {
		_, results := forwarded(n)
		frame := appendResults(nil, results, collector.Commit{Index: 1})
		b.SetBytes(int64(len(frame)))
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := parseResults(frame); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestFramesTakeNoMemoryForABeat: what a batch costs does not grow with it, but
// for the outcomes of its beats.
func TestFramesTakeNoMemoryForABeat(t *testing.T) {
	for _, n := range []int{1, 8000} {
		commands, results := forwarded(n)
		batch, answer := appendBatch(nil, commands), appendResults(nil, results, collector.Commit{})
		for _, c := range []struct {
			what string
			most float64
			f    func()
		}{
			{"encoding a batch", 0, func() { batch = appendBatch(batch[:0], commands) }},
			{"decoding a batch", 2, func() { _, _ = parseBatch(batch) }},
			{"encoding results", 0, func() { answer = appendResults(answer[:0], results, collector.Commit{}) }},
			{"decoding results", 2, func() { _, _, _ = parseResults(answer) }},
		} {
			if got := testing.AllocsPerRun(100, c.f); got > c.most {
				t.Errorf("%s of %d beats allocates %v times, want at most %v", c.what, n, got, c.most)
			}
		}
	}
}
