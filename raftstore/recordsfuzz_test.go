package raftstore

import (
	"bytes"
	"testing"
)

// FuzzHeads reads the heads of both files and of a snapshot, and node.json, with
// their checksums made to fit, so that what lies behind is reached.
func FuzzHeads(f *testing.F) {
	own := mark{"n1", "0123456789abcdef"}
	for kind, record := range [][]byte{
		(&logHead{mark: own, first: 1, last: 2, stable: map[string][]byte{"CurrentTerm": {1}}}).encode(),
		(&imageHead{mark: own, index: 3, chunks: 1}).encode(),
		frameHeader{Index: 1, ClusterID: "c"}.append(nil)[frameFixed:],
	} {
		f.Add(byte(kind), record[:len(record)-4])
	}
	f.Add(byte(3), nodeFile{Format: nodeFormat, Node: "n1"}.encode())
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		again, sealed, err := rehead(kind, bytes.Clone(b))
		if err == nil && !bytes.Equal(again, sealed) {
			t.Errorf("kind %d: %x is read as what would be %x", kind, sealed, again)
		}
	})
}

// rehead reads a head and writes it anew.
func rehead(kind byte, b []byte) (again, sealed []byte, err error) {
	switch kind {
	case 0:
		sealed = seal(headKey, b)
		h, err := decodeLogHead(sealed)
		if err != nil {
			return nil, nil, err
		}
		second, err := decodeLogHead(h.encode()) // keys twice, or out of order, are settled
		return second.encode(), h.encode(), err
	case 1:
		sealed = seal(headKey, b)
		h, err := decodeImageHead(sealed)
		return h.encode(), sealed, err
	case 2:
		sealed = seal([]byte(frameMagic), b)
		h, err := decodeHeader(sealed)
		return h.append(nil)[frameFixed:], sealed, err
	}
	n, err := decodeNodeFile(b)
	return n.encode(), b, err
}

// FuzzImageRecords reads records and packed renewals of state.db.
func FuzzImageRecords(f *testing.F) {
	f.Add([]byte("key"), sealRecord(1, []byte("key"), []byte("value")), uint64(0), uint64(1))
	f.Add([]byte("key"), sealChunk(0, 1, []byte("data")), uint64(0), uint64(1))
	f.Fuzz(func(t *testing.T, key, stored []byte, i, generation uint64) {
		if v, err := unsealRecord(1, key, stored); err == nil && !bytes.Equal(sealRecord(1, key, v), stored) {
			t.Errorf("record %x is %x", stored, v)
		}
		if v, err := unsealChunk(i, generation, stored); err == nil && !bytes.Equal(sealChunk(i, generation, v), stored) {
			t.Errorf("chunk %x is %x", stored, v)
		}
	})
}
