package api

import (
	"fmt"
	"testing"
)

// driven is a session without a connection: what is asked of it is answered
// into memory.
type driven struct {
	*session
	writer *writer
}

func newDriven(t testing.TB, format *frameFormat) *driven {
	t.Helper()
	c := &session{server: newHollow(t), format: format, wake: make(chan struct{}, 1)}
	c.room.L = &c.mu
	c.holdings.leases = map[uint64]*held{1_700_000_000_000: {}}
	return &driven{session: c, writer: &writer{session: c}}
}

// ask takes a frame, and writes the answers away when a hundred have come.
func (d *driven) ask(payload []byte) {
	d.take(int(d.format.opcode), payload)
	if d.out.count >= 100 {
		out, _ := d.writer.fetch()
		*out.memory = out.frames[:0]
		outboxes.Put(out.memory)
		d.used -= out.weight
	}
}

// BenchmarkSessionHeartbeat is a heartbeat on a session, from its frame to the
// frame of its answer.
func BenchmarkSessionHeartbeat(b *testing.B) {
	frame := map[string]any{"op": "heartbeat", "rid": 17, "id": "web-000001", "epoch": 1_700_000_000_000, "seq": 17}
	for name, c := range map[string]struct {
		format  *frameFormat
		payload []byte
	}{
		"codec=json": {jsonFrames, []byte(`{"op":"heartbeat","rid":17,"id":"web-000001","epoch":1700000000000,"seq":17}`)},
		"codec=cbor": {cborFrames, inCBOR(b, frame)},
	} {
		b.Run(name, func(b *testing.B) {
			d := newDriven(b, c.format)
			b.ReportAllocs()
			for b.Loop() {
				d.ask(c.payload)
			}
		})
	}
}

// BenchmarkScanBeatFrame is the reading of that frame alone.
func BenchmarkScanBeatFrame(b *testing.B) {
	payload := []byte(`{"op":"heartbeat","rid":17,"id":"web-000001","epoch":1700000000000,"seq":17}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := scanBeatFrame(payload); !ok {
			b.Fatal("not scanned")
		}
	}
}

// BenchmarkAppendFrame puts a frame together, as each that leaves.
func BenchmarkAppendFrame(b *testing.B) {
	for _, size := range []int{100, 1000, 100_000} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			payload := make([]byte, size)
			var dst []byte
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				dst = appendFrame(dst[:0], frameText, payload)
			}
		})
	}
}
