package raftstore

import (
	"bytes"
	"io"
	"testing"
)

func frameOf(t testing.TB, h frameHeader, payload []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	h.Length = uint64(len(payload))
	must(t, writeFrame(&b, h, func(w io.Writer) (int64, error) {
		n, err := w.Write(payload)
		return int64(n), err
	}))
	return b.Bytes()
}

// verdict reads a stream as a restoring node does, and follows it as the store
// of snapshots does, in pieces of that size; both must agree.
func verdict(t testing.TB, stream []byte, piece int) (frameHeader, []byte, error) {
	t.Helper()
	var out bytes.Buffer
	r := bytes.NewReader(stream)
	h, err := readHeader(r)
	if err == nil {
		err = readFrame(r, h, &out)
	}
	if err == nil && r.Len() > 0 {
		err = errFrame
	}
	c := newFrameCheck()
	for rest := stream; len(rest) > 0; {
		n := min(piece, len(rest))
		c.Write(rest[:n])
		rest = rest[n:]
	}
	h2, err2 := c.finish()
	if (err == nil) != (err2 == nil) || (err == nil && h != h2) {
		t.Fatalf("%d bytes in pieces of %d: read %+v, %v; followed %+v, %v", len(stream), piece, h, err, h2, err2)
	}
	return h, out.Bytes(), err
}

func TestFrame(t *testing.T) {
	for _, size := range []int{0, 1, 5000} {
		payload := bytes.Repeat([]byte{7}, size)
		stream := frameOf(t, frameHeader{Index: 9, Term: 2, ClusterID: "c1"}, payload)
		for _, piece := range []int{1, 3, 12, 1 << 20} {
			h, got, err := verdict(t, stream, piece)
			if err != nil || h.Index != 9 || h.Term != 2 || h.ClusterID != "c1" || !bytes.Equal(got, payload) {
				t.Fatalf("%d bytes: %+v, %v", size, h, err)
			}
		}
		if _, _, err := verdict(t, append(bytes.Clone(stream), 0), 64); err == nil {
			t.Fatal("something after the end was accepted")
		}
		for i := range min(len(stream), 120) {
			if _, _, err := verdict(t, stream[:i], 64); err == nil {
				t.Fatalf("%d bytes of %d were accepted", i, len(stream))
			}
			harmed := bytes.Clone(stream)
			harmed[i] ^= 16
			if _, _, err := verdict(t, harmed, 64); err == nil {
				t.Fatalf("accepted with byte %d flipped", i)
			}
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(frameOf(f, frameHeader{Index: 1, ClusterID: "c"}, []byte("payload")), 5)
	f.Add([]byte(frameMagic), 1)
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		verdict(t, stream, max(1, piece)) //nolint:errcheck // it compares the two readers
	})
}
