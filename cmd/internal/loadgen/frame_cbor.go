package loadgen

import (
	"bytes"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func appendBeatCBOR(b []byte, rid uint64, ns string, l *lease) []byte {
	members := uint64(5)
	if ns != wire.DefaultNS {
		members++
	}
	b = appendCBORHead(b, cborMap, members)
	b = appendCBORText(appendCBORText(b, "op"), "heartbeat")
	b = appendCBORHead(appendCBORText(b, "rid"), cborUint, rid)
	if ns != wire.DefaultNS {
		b = appendCBORText(appendCBORText(b, "ns"), ns)
	}
	b = appendCBORText(appendCBORText(b, "id"), l.id)
	b = appendCBORHead(appendCBORText(b, "epoch"), cborUint, l.epoch)
	return appendCBORHead(appendCBORText(b, "seq"), cborUint, l.seq+1)
}

// registerFrame is the frame of a registration.
type registerFrame struct {
	Op  string `cbor:"op"`
	RID uint64 `cbor:"rid"`
	NS  string `cbor:"ns,omitempty"`
	ID  string `cbor:"id"`
	wire.Registration
}

func appendRegisterCBOR(b []byte, rid uint64, ns string, l *lease, s *shape) []byte {
	f := registerFrame{Op: "register", RID: rid, ID: l.id, Registration: s.registration(l.number)}
	if ns != wire.DefaultNS {
		f.NS = ns
	}
	frame, _ := cbor.Marshal(f) // plain values, so never refused
	return append(b, frame...)
}

func epochCBOR(frame []byte) (uint64, error) {
	var g wire.Grant
	if err := cbor.Unmarshal(frame, &g); err != nil || g.Epoch == 0 {
		return 0, fmt.Errorf("read grant: %w: no epoch in %x", errFrame, frame[:min(len(frame), 200)])
	}
	return g.Epoch, nil
}

func appendCBORText(b []byte, text string) []byte {
	return append(appendCBORHead(b, cborText, uint64(len(text))), text...)
}

// duplicateCBOR is the member of that name being true; no id could look like
// it.
var duplicateCBOR = []byte("\x69duplicate\xf5")

// answerCBOR takes the short way where the frame begins as those of nodes do,
// with op and rid.
func answerCBOR(frame []byte) (answerFrame, error) {
	if op, rid, ok := openingCBOR(frame); ok {
		a := answerFrame{rid: rid, ok: string(op) == "ok", wrong: string(op) == "error"}
		a.duplicate = a.ok && bytes.Contains(frame, duplicateCBOR)
		return a, nil
	}
	var head struct {
		Op        string `cbor:"op"`
		RID       uint64 `cbor:"rid"`
		Duplicate bool   `cbor:"duplicate"`
	}
	if err := cbor.Unmarshal(frame, &head); err != nil {
		return answerFrame{}, fmt.Errorf("read frame: %w", err)
	}
	return answerFrame{rid: head.RID, ok: head.Op == "ok", wrong: head.Op == "error", duplicate: head.Duplicate}, nil
}

// openingCBOR reads a map that begins with op and rid.
func openingCBOR(b []byte) (op []byte, rid uint64, ok bool) {
	if _, b, ok = cutCBORHead(b, cborMap); !ok {
		return nil, 0, false
	}
	if b, ok = bytes.CutPrefix(b, []byte("\x62op")); !ok {
		return nil, 0, false
	}
	n, b, ok := cutCBORHead(b, cborText)
	if !ok || n > uint64(len(b)) {
		return nil, 0, false
	}
	op = b[:n]
	if b, ok = bytes.CutPrefix(b[n:], []byte("\x63rid")); !ok {
		return nil, 0, false
	}
	rid, _, ok = cutCBORHead(b, cborUint)
	return op, rid, ok
}

// cutCBORHead reads the argument of a major type.
func cutCBORHead(b []byte, major byte) (n uint64, rest []byte, ok bool) {
	if len(b) == 0 || b[0]&0xe0 != major {
		return 0, nil, false
	}
	short := b[0] & 0x1f
	if short < 24 {
		return uint64(short), b[1:], true
	}
	size := 1 << (short - 24)
	if short > 27 || len(b) < 1+size {
		return 0, nil, false
	}
	for _, digit := range b[1 : 1+size] {
		n = n<<8 | uint64(digit)
	}
	return n, b[1+size:], true
}

func problemCBOR(frame []byte) *wire.Problem {
	p := new(wire.Problem)
	_ = cbor.Unmarshal(frame, p) // what is no problem has no code
	return coded(p)
}
