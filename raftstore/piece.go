package raftstore

import (
	"encoding/binary"
	"fmt"
)

// A backup is restored through the log: its stream travels in pieces, each an
// entry of its own, and a last entry puts what they make in the place of the
// state. So a restore is committed, or not, as every other entry is, whoever
// leads then; and a node that was away meanwhile catches up as it always does.
// The pieces stand in the extensions of Raft's entries, where the registry has
// nothing.
const (
	pieceVersion = 1
	// pieceBytes of the stream are in one entry: as much as a full batch of
	// heartbeats has.
	pieceBytes = 128 << 10
)

// The kinds of pieces.
const (
	pieceChunk  byte = iota + 1
	pieceCommit      // restore what came
	pieceAbort       // forget it
)

// restoreID names one attempt to restore.
type restoreID [16]byte

// piece is one entry of a restore.
type piece struct {
	kind byte
	id   restoreID

	offset uint64 // of a chunk; 0 begins
	data   []byte

	commit // of a commit
}

// commit says what the pieces must make, and how the state goes on.
type commit struct {
	length    uint64
	sum       uint32 // CRC-32C of the stream
	revision  uint64 // at least
	wall      int64
	clusterID string
}

func (p *piece) encode() []byte {
	b := append([]byte{pieceVersion, p.kind}, p.id[:]...)
	switch p.kind {
	case pieceChunk:
		b = append(binary.BigEndian.AppendUint64(b, p.offset), p.data...)
	case pieceCommit:
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, p.length), p.sum)
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, p.revision), uint64(p.wall))
		b = appendString(b, p.clusterID)
	}
	return b
}

// decodePiece reads a piece. Its data alias b.
func decodePiece(b []byte) (piece, error) {
	r := reader{b: b}
	if v := r.byte(); v != pieceVersion {
		return piece{}, fmt.Errorf("format %d of a restore is not known to this program", v)
	}
	p := piece{kind: r.byte()}
	copy(p.id[:], r.take(uint64(len(p.id))))
	switch p.kind {
	case pieceChunk:
		p.offset = r.uint64()
		p.data = r.take(uint64(len(r.b)))
	case pieceCommit:
		p.commit = commit{r.uint64(), r.uint32(), r.uint64(), int64(r.uint64()), r.string()}
	case pieceAbort:
	default:
		return piece{}, errCorrupt
	}
	return p, r.done()
}
