package raftstore

import (
	"bytes"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// A record lies in pieces. bbolt does not split a leaf of four items or fewer
// however large they are, and writes a leaf anew for every item that is added: a
// log of whole records of 64 KiB was written four times over.
//
// The first piece has the index as its key, the others the index and their
// number. A piece of logPiece bytes is followed by another one, which may be
// empty; the checksum at the record's end covers all of them.
const (
	logPiece    = 4000 // bytes: two of them fill a leaf of two pages
	pieceKeyLen = 8 + 4
)

func pieceKey(index uint64, piece uint32) []byte {
	if piece == 0 {
		return indexKey(index)
	}
	return binary.BigEndian.AppendUint32(indexKey(index), piece)
}

// putRecord stores the record of one entry.
func putRecord(b *bolt.Bucket, index uint64, record []byte) error {
	for piece := uint32(0); ; piece++ {
		n := min(len(record), logPiece)
		if err := b.Put(pieceKey(index, piece), record[:n:n]); err != nil {
			return err
		}
		if n < logPiece {
			return nil
		}
		record = record[n:]
	}
}

// getRecord returns a copy of the record of one entry, nil if there is none.
// Where a piece is missing the checksum will not fit.
func getRecord(b *bolt.Bucket, index uint64) (record []byte) {
	for piece := uint32(0); ; piece++ {
		part := b.Get(pieceKey(index, piece))
		record = append(record, part...)
		if len(part) != logPiece {
			return record
		}
	}
}

// deleteRecords removes the entries from low to high, but after so many pieces
// it stops at an entry's end. It returns the last that it removed.
func deleteRecords(b *bolt.Bucket, low, high uint64, pieces int) (until uint64, err error) {
	c, from, end := b.Cursor(), indexKey(low), indexKey(high+1)
	until = low - 1
	for key, _ := c.Seek(from); key != nil && bytes.Compare(key, end) < 0; key, _ = c.Seek(from) {
		if pieces <= 0 && len(key) < pieceKeyLen {
			return until, nil
		}
		until = binary.BigEndian.Uint64(key)
		from = append(from[:0], key...) // not again over what is gone
		if err := b.Delete(key); err != nil {
			return until, err
		}
		pieces--
	}
	return high, nil
}
