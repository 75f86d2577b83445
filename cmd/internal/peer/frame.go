package peer

import (
	"encoding/binary"
	"fmt"
	"io"
)

// MaxFrame is the largest payload of a frame, in bytes.
const MaxFrame = 32 << 20

const (
	frameHeader = 4 + 1 + 8
	// frameStep is how many bytes of a payload are believed to come before they
	// came: a length alone cannot make a reader allocate more.
	frameStep = 256 << 10
)

type frame struct {
	typ     byte
	id      uint64
	payload []byte
}

func (f frame) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.payload)))
	b = append(b, f.typ)
	b = binary.BigEndian.AppendUint64(b, f.id)
	return append(b, f.payload...)
}

// readFrame reads one frame into fresh memory. A connection that ends between
// frames is io.EOF, one that ends within is io.ErrUnexpectedEOF.
func readFrame(r io.Reader, limit int) (frame, error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return frame{}, err
	}
	size := binary.BigEndian.Uint32(header[:])
	if uint64(size) > uint64(limit) {
		return frame{}, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, limit)
	}
	payload, err := readPayload(r, int(size))
	if err != nil {
		return frame{}, err
	}
	return frame{typ: header[4], id: binary.BigEndian.Uint64(header[5:]), payload: payload}, nil
}

func readPayload(r io.Reader, size int) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	payload := make([]byte, min(size, frameStep))
	for have := 0; ; {
		n, err := io.ReadFull(r, payload[have:])
		have += n
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || have == size {
			return payload, err
		}
		grown := make([]byte, min(size, 2*len(payload)))
		copy(grown, payload)
		payload = grown
	}
}
