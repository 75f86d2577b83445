package loadgen

import "github.com/seed-b4c92e43/rollcall/api/wire"

// Subprotocols of a session.
const (
	protocolJSON = "rollcall.v1.json"
	protocolCBOR = "rollcall.v1.cbor"
)

// sessionCodec writes heartbeats and reads their answers. Both are the hot
// path, so they are written by hand and look at nothing that does not matter.
type sessionCodec struct {
	protocol string
	opcode   byte
	beat     func(b []byte, rid uint64, ns string, l *lease) []byte
	answer   func(frame []byte) (answerFrame, error)
	problem  func(frame []byte) *wire.Problem
	register func(b []byte, rid uint64, ns string, l *lease, s *shape) []byte
	epoch    func(frame []byte) (uint64, error) // of the answer to a registration
}

// answerFrame is what the driver keeps of a frame: an answer if rid is not 0,
// else something that the node pushed, or a complaint about what it could not
// read.
type answerFrame struct {
	rid       uint64
	ok, wrong bool // the op
	duplicate bool
}

func sessionCodecOf(name string) sessionCodec {
	if name == CodecCBOR {
		return sessionCodec{protocolCBOR, frameBinary, appendBeatCBOR, answerCBOR, problemCBOR, appendRegisterCBOR, epochCBOR}
	}
	return sessionCodec{protocolJSON, frameText, appendBeatJSON, answerJSON, problemJSON, appendRegisterJSON, grantedEpoch}
}

// coded is p, or a problem of our own where the frame that it was read from
// told none.
func coded(p *wire.Problem) *wire.Problem {
	if p.Code == "" {
		p.Code = codeMalformed
	}
	return p
}
