package peer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

func TestFramesTravel(t *testing.T) {
	for _, size := range []int{0, 1, frameStep - 1, frameStep, frameStep + 1, 5*frameStep + 7} {
		payload := bytes.Repeat([]byte{7}, size)
		encoded := frame{typ: 3, id: 1 << 60, payload: payload}.append(nil)
		got, err := readFrame(bytes.NewReader(encoded), MaxFrame)
		if err != nil || got.typ != 3 || got.id != 1<<60 || !bytes.Equal(got.payload, payload) {
			t.Errorf("%d bytes: %d came, %v", size, len(got.payload), err)
		}
		if _, err := readFrame(bytes.NewReader(encoded[:len(encoded)-1]), MaxFrame); err != io.ErrUnexpectedEOF {
			t.Errorf("%d bytes, cut short: %v", size, err)
		}
	}
}

func TestAnEndBetweenFramesIsEOF(t *testing.T) {
	if _, err := readFrame(bytes.NewReader(nil), MaxFrame); err != io.EOF {
		t.Error(err)
	}
}

func TestFramesAreBounded(t *testing.T) {
	header := binary.BigEndian.AppendUint32(nil, MaxFrame+1)
	header = append(header, make([]byte, frameHeader-4)...)
	if _, err := readFrame(bytes.NewReader(header), MaxFrame); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestALengthAloneAllocatesLittle(t *testing.T) {
	claim := frame{payload: make([]byte, 100)}.append(nil)
	binary.BigEndian.PutUint32(claim, MaxFrame)
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = readFrame(bytes.NewReader(claim), MaxFrame)
		}
	})
	if got := r.AllocedBytesPerOp(); got > 2*frameStep {
		t.Errorf("a claim of %d bytes allocated %d", MaxFrame, got)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(frame{typ: 1, id: 2, payload: []byte("abc")}.append(nil))
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readFrame(bytes.NewReader(b), MaxFrame)
		if err != nil {
			return
		}
		if again := got.append(nil); !bytes.Equal(again, b[:len(again)]) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
