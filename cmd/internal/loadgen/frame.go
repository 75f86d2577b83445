package loadgen

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Opcodes of WebSocket frames (RFC 6455, section 5.2).
const (
	frameContinued = 0x0
	frameText      = 0x1
	frameBinary    = 0x2
	frameClose     = 0x8
	framePing      = 0x9
	framePong      = 0xA
)

// Bits and lengths of a frame's head.
const (
	finalBit  = 0x80
	maskBit   = 0x80
	length16  = 126 // two bytes of length follow
	length64  = 127 // eight do
	maskBytes = 4
)

// maxFrame bounds a message from a node: the largest it pushes is a snapshot's
// part of 1,000 leases.
const maxFrame = maxAnswer

var (
	errFrame     = errors.New("malformed WebSocket frame")
	errFrameLong = errors.New("WebSocket message is too long")
	errClosed    = errors.New("the node closed the session")
)

// appendFrame appends a whole client's frame, masked by key as the protocol
// wants it of clients.
func appendFrame(b []byte, opcode byte, key [maskBytes]byte, payload []byte) []byte {
	b = append(b, finalBit|opcode)
	switch n := len(payload); {
	case n < length16:
		b = append(b, maskBit|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, maskBit|length16), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, maskBit|length64), uint64(n))
	}
	b = append(b, key[:]...)
	at := len(b)
	b = append(b, payload...)
	mask(b[at:], key)
	return b
}

// mask covers b in place, eight bytes at a time.
func mask(b []byte, key [maskBytes]byte) {
	half := uint64(binary.LittleEndian.Uint32(key[:]))
	for word := half | half<<32; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^word)
	}
	for i := range b {
		b[i] ^= key[i%maskBytes]
	}
}

// frames reads what a node sends over one session.
type frames struct {
	in      *bufio.Reader
	message []byte // reused; of a message in several frames, or one longer than in's buffer
}

// frameHead is the head of a frame, and how many bytes it takes.
type frameHead struct {
	opcode byte
	final  bool
	size   int // of the head itself
	length int // of the payload
}

// next reads one message, or one control frame. The payload is valid until the
// next call.
func (f *frames) next() (opcode byte, payload []byte, err error) {
	h, err := f.readHead()
	if err != nil {
		return 0, nil, err
	}
	if h.final && h.opcode != frameContinued && h.length <= f.in.Size() {
		payload, err = f.take(h.length)
		return h.opcode, payload, err
	}
	if h.opcode == frameContinued || h.opcode >= frameClose {
		return 0, nil, fmt.Errorf("%w: opcode %#x of %d bytes", errFrame, h.opcode, h.length)
	}
	payload, err = f.gather(h)
	return h.opcode, payload, err
}

// take returns bytes of in's own buffer.
func (f *frames) take(n int) ([]byte, error) {
	payload, err := f.in.Peek(n)
	if err != nil {
		return nil, err
	}
	_, err = f.in.Discard(n)
	return payload, err
}

// gather reads the payloads of h and of all that continue it. A ping between
// them is left unanswered: the next one is not.
func (f *frames) gather(h frameHead) ([]byte, error) {
	f.message = f.message[:0]
	for {
		if h.length > maxFrame-len(f.message) {
			return nil, errFrameLong
		}
		have := len(f.message)
		f.message = append(f.message, make([]byte, h.length)...)
		if _, err := io.ReadFull(f.in, f.message[have:]); err != nil {
			return nil, err
		}
		if h.opcode >= frameClose {
			f.message = f.message[:have]
		} else if h.final {
			return f.message, nil
		}
		var err error
		if h, err = f.readHead(); err != nil {
			return nil, err
		}
		if h.opcode != frameContinued && h.opcode < frameClose {
			return nil, fmt.Errorf("%w: a message within another", errFrame)
		}
	}
}

func (f *frames) readHead() (frameHead, error) {
	b, err := f.in.Peek(2)
	if err != nil {
		return frameHead{}, err
	}
	if size := headSize(b[1]); size > 2 {
		if b, err = f.in.Peek(size); err != nil {
			return frameHead{}, err
		}
	}
	h, err := parseHead(b)
	if err != nil {
		return h, err
	}
	_, err = f.in.Discard(h.size)
	return h, err
}

// headSize is how many bytes the head takes whose second byte is b.
func headSize(b byte) int {
	switch b &^ maskBit {
	case length16:
		return 4
	case length64:
		return 10
	default:
		return 2
	}
}

// parseHead reads a whole head. What a node sends is not masked.
func parseHead(b []byte) (frameHead, error) {
	h := frameHead{opcode: b[0] & 0x0f, final: b[0]&finalBit != 0, size: headSize(b[1]), length: int(b[1])}
	switch h.size {
	case 4:
		h.length = int(binary.BigEndian.Uint16(b[2:]))
	case 10:
		n := binary.BigEndian.Uint64(b[2:])
		if n > maxFrame {
			return h, errFrameLong
		}
		h.length = int(n)
	}
	if b[1]&maskBit != 0 || b[0]&0x70 != 0 {
		return h, fmt.Errorf("%w: head %x", errFrame, b)
	}
	return h, nil
}

// more says that a whole frame is in the buffer, so that next does not wait.
func (f *frames) more() bool {
	n := f.in.Buffered()
	if n < 2 {
		return false
	}
	b, _ := f.in.Peek(min(n, 10))
	if headSize(b[1]) > len(b) {
		return false
	}
	h, err := parseHead(b)
	return err != nil || h.size+h.length <= n
}
