package peer

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// kind says what a connection is for.
type kind byte

const (
	kindRaft   kind = 'R'
	kindCall   kind = 'C'
	kindStream kind = 'S'
)

func (k kind) String() string {
	switch k {
	case kindRaft:
		return "raft"
	case kindCall:
		return "call"
	case kindStream:
		return "stream"
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// Verdicts stand in an answer where a hello has its kind.
const (
	verdictAccepted byte = 'A'
	verdictRefused  byte = 'N'
)

const (
	helloMagic   = "rcpp"
	helloVersion = 2 // results in runs
	helloHeader  = len(helloMagic) + 4
	helloMax     = 4 << 10 // bytes of JSON
)

// errNotPeer is returned when the other end speaks something else.
var errNotPeer = errors.New("the other end does not speak rollcall's peer protocol")

// versionError is returned for a hello of another version. The header is the
// same in every version, so that both sides can say so.
type versionError struct{ version byte }

func (e versionError) Error() string {
	return fmt.Sprintf("peer protocol version %d is not understood here, which speaks version %d", e.version, helloVersion)
}

// hello is what the dialler says first.
type hello struct {
	kind kind
	helloBody
}

type helloBody struct {
	From Identity `json:"from"`
	Want string   `json:"want,omitempty"` // expected server id
}

// answer is what the acceptor says to it.
type answer struct {
	accepted bool
	answerBody
}

type answerBody struct {
	From   Identity `json:"from"`
	Reason string   `json:"reason,omitempty"` // why it was refused
}

func (h hello) append(b []byte) ([]byte, error) {
	return appendGreeting(b, byte(h.kind), h.helloBody)
}

func (a answer) append(b []byte) ([]byte, error) {
	mark := verdictRefused
	if a.accepted {
		mark = verdictAccepted
	}
	return appendGreeting(b, mark, a.answerBody)
}

func appendGreeting(b []byte, mark byte, body any) ([]byte, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode hello: %w", err)
	}
	if len(encoded) > helloMax {
		return nil, fmt.Errorf("hello of %d bytes is longer than %d", len(encoded), helloMax)
	}
	b = append(b, helloMagic...)
	b = append(b, helloVersion, mark)
	b = binary.BigEndian.AppendUint16(b, uint16(len(encoded)))
	return append(b, encoded...), nil
}

func readHello(r io.Reader) (hello, error) {
	var h hello
	mark, err := readGreeting(r, &h.helloBody)
	if err != nil {
		return hello{}, err
	}
	h.kind = kind(mark)
	return h, h.From.validate()
}

func readAnswer(r io.Reader) (answer, error) {
	var a answer
	mark, err := readGreeting(r, &a.answerBody)
	if err != nil {
		return answer{}, err
	}
	if mark != verdictAccepted && mark != verdictRefused {
		return answer{}, errNotPeer
	}
	a.accepted = mark == verdictAccepted
	return a, a.From.validate()
}

// readGreeting reads exactly one greeting, not a byte of what follows it.
func readGreeting(r io.Reader, body any) (mark byte, err error) {
	var header [helloHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, fmt.Errorf("read hello: %w", err)
	}
	version, mark := header[4], header[5]
	size := int(binary.BigEndian.Uint16(header[6:]))
	switch {
	case string(header[:4]) != helloMagic:
		return 0, errNotPeer
	case version != helloVersion:
		return 0, versionError{version}
	case size > helloMax:
		return 0, fmt.Errorf("hello of %d bytes is longer than %d", size, helloMax)
	}
	encoded := make([]byte, size)
	if _, err := io.ReadFull(r, encoded); err != nil {
		return 0, fmt.Errorf("read hello: %w", err)
	}
	if err := json.Unmarshal(encoded, body); err != nil {
		return 0, fmt.Errorf("decode hello: %w", err)
	}
	return mark, nil
}
