package api

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// codecs are those of a batch, each with its media.
var codecs = []struct {
	name  string
	media media
	mime  string
}{{"json", mediaJSON, wire.TypeJSON}, {"cbor", mediaCBOR, wire.TypeCBOR}, {"binary", mediaBeats, wire.TypeBeats}}

// inCBOR encodes what a benchmark sends.
func inCBOR(t testing.TB, body any) []byte {
	t.Helper()
	raw, err := theCBOR.enc.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// batchOf is a batch of n beats in a codec.
func batchOf(t testing.TB, m media, n int) []byte {
	t.Helper()
	switch m {
	case mediaBeats:
		var beats registry.Beats
		for i := range n {
			beats = beats.Append(1_700_000_000_000+uint64(i), 17+uint64(i))
		}
		return beats
	case mediaCBOR:
		pairs := make([][2]uint64, n)
		for i := range pairs {
			pairs[i] = [2]uint64{1_700_000_000_000 + uint64(i), 17 + uint64(i)}
		}
		return inCBOR(t, map[string]any{"beats": pairs})
	}
	return batchBody(n)
}

// BenchmarkHeartbeat is one heartbeat, from its request to its answer.
func BenchmarkHeartbeat(b *testing.B) {
	const path = "/v1/leases/web-000001/heartbeat"
	body := map[string]any{"epoch": 1_700_000_000_000, "seq": 17}
	for name, q := range map[string]inquiry{
		"codec=json":     {body: []byte(`{"epoch":1700000000000,"seq":17}`)},
		"codec=json/rtt": {body: []byte(`{"epoch":1700000000000,"seq":17,"rtt_ms":1.25}`)},
		"codec=cbor":     {body: inCBOR(b, body), media: wire.TypeCBOR, accept: wire.TypeCBOR},
	} {
		q.method, q.path = http.MethodPost, path
		b.Run(name, func(b *testing.B) { exchange(b, instant{}, q) })
	}
}

// BenchmarkHeartbeats is a batch, from its request to its answer.
func BenchmarkHeartbeats(b *testing.B) {
	for _, codec := range codecs {
		for _, n := range []int{16, 1000, 10_000} {
			b.Run(fmt.Sprintf("codec=%s/beats=%d", codec.name, n), func(b *testing.B) {
				exchange(b, instant{}, inquiry{
					method: http.MethodPost, path: wire.PathHeartbeats, body: batchOf(b, codec.media, n), media: codec.mime,
				})
				perEach(b, n, "beat")
			})
		}
	}
}

// BenchmarkDecodeBeats is the decoding of a batch alone.
func BenchmarkDecodeBeats(b *testing.B) {
	for _, codec := range codecs {
		for _, n := range []int{16, 1000, 10_000} {
			body := batchOf(b, codec.media, n)
			b.Run(fmt.Sprintf("codec=%s/beats=%d", codec.name, n), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if beats, err := decodeBeats(body, codec.media); err != nil || beats.Len() != n {
						b.Fatal(err)
					}
				}
				perEach(b, n, "beat")
			})
		}
	}
}

// BenchmarkDecodeBeat is the decoding of one heartbeat alone.
func BenchmarkDecodeBeat(b *testing.B) {
	for name, c := range map[string]struct {
		media media
		body  []byte
	}{
		"codec=json": {mediaJSON, []byte(`{"epoch":1700000000000,"seq":17}`)},
		"codec=cbor": {mediaCBOR, inCBOR(b, map[string]any{"epoch": 1_700_000_000_000, "seq": 17})},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeBeat(c.body, c.media); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var someRenewal = wire.Renewed{
	ID: "web-000001", Epoch: 1_700_000_000_000, Seq: 17, TTLMS: 10_000, ExpiresInMS: 10_000, HeartbeatEveryMS: 3333, Revision: 1_700_000_000_017,
}

// BenchmarkEncodeRenewed is the encoding of the answer to a heartbeat.
func BenchmarkEncodeRenewed(b *testing.B) {
	b.Run("codec=json", func(b *testing.B) {
		var dst []byte
		b.ReportAllocs()
		for b.Loop() {
			dst = appendRenewed(dst[:0], &someRenewal)
		}
	})
	b.Run("codec=cbor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := encodeCBOR(someRenewal); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEncodeBatch is the encoding of the answer to a batch of which some
// were refused.
func BenchmarkEncodeBatch(b *testing.B) {
	for _, refused := range []int{0, 100} {
		b.Run(fmt.Sprintf("refused=%d", refused), func(b *testing.B) {
			batch := wire.HeartbeatsResult{Accepted: 1000 - refused, Revision: 1_700_000_000_017}
			for i := range refused {
				batch.Rejected = append(batch.Rejected, wire.RejectedBeat{Epoch: 1_700_000_000_000 + uint64(i), Seq: 17, Code: wire.CodeLeaseEnded})
			}
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = appendBatch(dst[:0], &batch)
			}
		})
	}
}

// TestBeatsAreCodedWithoutMemory: the codecs of the hot path take no memory
// beyond the batch itself.
func TestBeatsAreCodedWithoutMemory(t *testing.T) {
	var dst []byte
	beat, beats, packed := []byte(`{"epoch":1700000000000,"seq":17}`), batchBody(1000), batchOf(t, mediaBeats, 1000)
	for _, c := range []struct {
		what string
		most float64
		f    func()
	}{
		{"decoding a heartbeat", 0, func() { _, _ = decodeBeat(beat, mediaJSON) }},
		{"decoding a batch of JSON", 1, func() { _, _ = decodeBeats(beats, mediaJSON) }},
		{"decoding a packed batch", 1, func() { _, _ = decodeBeats(packed, mediaBeats) }},
		{"encoding an answer", 0, func() { dst = appendRenewed(dst[:0], &someRenewal) }},
		{"encoding the answer to a batch", 0, func() { dst = appendBatch(dst[:0], &wire.HeartbeatsResult{Accepted: 1000}) }},
	} {
		if got := testing.AllocsPerRun(100, c.f); got > c.most {
			t.Errorf("%s allocates %v times, want at most %v", c.what, got, c.most)
		}
	}
}
