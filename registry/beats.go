package registry

import "encoding/binary"

// BeatSize is the length of one encoded beat: epoch and seq, big-endian.
const BeatSize = 16

// Beats is a packed list of heartbeats, [BeatSize] bytes each: the body of
// application/vnd.rollcall.beats, and the same bytes in the log.
type Beats []byte

// Len returns the number of beats.
func (b Beats) Len() int { return len(b) / BeatSize }

// At returns the beat at i.
func (b Beats) At(i int) (epoch, seq uint64) {
	p := b[i*BeatSize : i*BeatSize+BeatSize]
	return binary.BigEndian.Uint64(p), binary.BigEndian.Uint64(p[8:])
}

// Append returns b with one beat more.
func (b Beats) Append(epoch, seq uint64) Beats {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, epoch), seq)
}
