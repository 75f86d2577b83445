package api

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// The opcodes of WebSocket frames (RFC 6455, section 5.2).
const (
	frameText   = 1
	frameBinary = 2
	frameClose  = 8
	framePing   = 9
	framePong   = 10

	frameFinal = 0x80
)

// appendFrame appends a whole frame of a server, which has no mask. Sessions
// put frames together here, and not with the library that reads them, so that
// all that waits is written at once.
func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
	dst = append(dst, frameFinal|opcode)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
	return append(dst, payload...)
}

// frameFormat is how a session writes: JSON in text frames, or CBOR in binary ones.
type frameFormat struct {
	opcode byte
	media  media
	encode func(any) ([]byte, error)
	answer func(dst []byte, op string, r rid, body []byte) ([]byte, error)
	event  func(dst []byte, r rid, body []byte) []byte // a whole frame
}

var (
	jsonFrames = &frameFormat{frameText, mediaJSON, encodeJSON, appendJSONAnswer, appendJSONEvent}
	cborFrames = &frameFormat{frameBinary, mediaCBOR, encodeCBOR, appendCBORAnswer, appendCBOREvent}
)

// errNoObject is returned when an answer has no members to which others could be
// added. It does not show the answer: that would cost memory where there is none.
var errNoObject = errors.New("an answer is no object")

// appendJSONAnswer appends an answer: op, rid, and the members of body, which is
// an object.
func appendJSONAnswer(dst []byte, op string, r rid, body []byte) ([]byte, error) {
	dst = append(append(append(dst, `{"op":"`...), op...), `","rid":`...)
	dst = r.appendJSON(dst)
	for len(body) > 0 && body[len(body)-1] == '\n' {
		body = body[:len(body)-1]
	}
	if len(body) < 2 || body[0] != '{' {
		return nil, errNoObject
	}
	if len(body) > 2 {
		dst = append(dst, ',')
	}
	return append(dst, body[1:]...), nil
}

func appendCBORAnswer(dst []byte, op string, r rid, body []byte) ([]byte, error) {
	n, members, ok := cborMembers(body)
	if !ok {
		return nil, errNoObject
	}
	dst = appendCBORHead(dst, cborMap, n+2)
	dst = appendCBORText(appendCBORText(dst, "op"), op)
	dst = r.appendCBOR(appendCBORText(dst, "rid"))
	return append(dst, members...), nil
}

// cborMembers returns how many members a small map has, and their encoding.
func cborMembers(body []byte) (n uint64, members []byte, ok bool) {
	switch {
	case len(body) > 0 && body[0]>>5 == cborMap>>5 && body[0]&31 < 24:
		return uint64(body[0] & 31), body[1:], true
	case len(body) > 1 && body[0] == cborMap|24:
		return uint64(body[1]), body[2:], true
	}
	return 0, nil, false
}

func appendJSONEvent(dst []byte, r rid, body []byte) []byte {
	payload := r.appendJSON(append(make([]byte, 0, len(body)+64), `{"op":"event","rid":`...))
	payload = append(append(payload, `,"event":`...), body...)
	return appendFrame(dst, frameText, append(payload, '}'))
}

func appendCBOREvent(dst []byte, r rid, body []byte) []byte {
	payload := appendCBORHead(make([]byte, 0, len(body)+64), cborMap, 3)
	payload = appendCBORText(appendCBORText(payload, "op"), wire.OpEvent)
	payload = r.appendCBOR(appendCBORText(payload, "rid"))
	payload = append(appendCBORText(payload, "event"), body...)
	return appendFrame(dst, frameBinary, payload)
}

// closePayload is what a close frame says.
func closePayload(code int, text string) []byte {
	if code == 0 {
		return nil
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), text...)
}

// emptyAnswer is the body of an answer that says nothing but ok.
type emptyAnswer struct{}

// watchOpened is the body of the answer to a watch.
type watchOpened struct {
	Revision uint64 `json:"revision"` // that it begins with, or after
}
