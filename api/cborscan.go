package api

import (
	"encoding/binary"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// cborKind are the bits of an item's first byte that say its major type.
const cborKind byte = 7 << 5

// cborPairMin is the least size of a beat, by which what is announced is bounded.
const cborPairMin = 3

// cborScanner reads the usual batch in CBOR without making anything on the way,
// as scanner does in JSON: what it does not know is left to the general decoder.
type cborScanner struct{ data []byte }

// scanBeatsCBOR reads {"beats":[[N,N],…]}, of stated lengths.
func scanBeatsCBOR(body []byte) (registry.Beats, bool) {
	s := cborScanner{body}
	if !s.is(cborMap, 1) || !s.text("beats") {
		return nil, false
	}
	n, ok := s.head(cborList)
	if !ok || n > wire.MaxBeats || n > uint64(len(s.data)/cborPairMin) {
		return nil, false
	}
	beats := make(registry.Beats, 0, n*registry.BeatSize)
	for range n {
		epoch, seq, ok := s.pair()
		if !ok {
			return nil, false
		}
		beats = beats.Append(epoch, seq)
	}
	return beats, len(s.data) == 0
}

func (s *cborScanner) pair() (epoch, seq uint64, ok bool) {
	if !s.is(cborList, 2) {
		return 0, 0, false
	}
	if epoch, ok = s.head(cborUint); !ok || !isCount(epoch) {
		return 0, 0, false
	}
	seq, ok = s.head(cborUint)
	return epoch, seq, ok && isCount(seq)
}

func (s *cborScanner) is(kind byte, n uint64) bool {
	got, ok := s.head(kind)
	return ok && got == n
}

func (s *cborScanner) text(want string) bool {
	if !s.is(cborText, uint64(len(want))) || len(s.data) < len(want) || string(s.data[:len(want)]) != want {
		return false
	}
	s.data = s.data[len(want):]
	return true
}

// head reads the head of an item of that kind: its number, or how much follows.
func (s *cborScanner) head(kind byte) (n uint64, ok bool) {
	if len(s.data) == 0 || s.data[0]&cborKind != kind {
		return 0, false
	}
	short := s.data[0] &^ cborKind
	s.data = s.data[1:]
	if short < 24 {
		return uint64(short), true
	}
	return s.number(short)
}

// number reads the 1, 2, 4 or 8 bytes that a head of 24 to 27 announces.
func (s *cborScanner) number(short byte) (n uint64, ok bool) {
	if short > 27 {
		return 0, false // reserved, or of a length that is not stated
	}
	size := 1 << (short - 24)
	if len(s.data) < size {
		return 0, false
	}
	var wide [8]byte
	copy(wide[8-size:], s.data)
	s.data = s.data[size:]
	return binary.BigEndian.Uint64(wide[:]), true
}
