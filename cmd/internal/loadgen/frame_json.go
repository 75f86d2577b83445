package loadgen

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func appendBeatJSON(b []byte, rid uint64, ns string, l *lease) []byte {
	b = appendOpeningJSON(b, "heartbeat", rid, ns, l.id)
	b = append(b, `,"epoch":`...)
	b = strconv.AppendUint(b, l.epoch, 10)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, l.seq+1, 10)
	return append(b, '}')
}

func appendRegisterJSON(b []byte, rid uint64, ns string, l *lease, s *shape) []byte {
	b = append(appendOpeningJSON(b, "register", rid, ns, l.id), ',')
	return append(s.appendMembers(b, l.number), '}')
}

// appendOpeningJSON appends what every frame about a lease begins with.
func appendOpeningJSON(b []byte, op string, rid uint64, ns, id string) []byte {
	b = append(b, `{"op":"`...)
	b = append(b, op...)
	b = append(b, `","rid":`...)
	b = strconv.AppendUint(b, rid, 10)
	if ns != wire.DefaultNS {
		b = append(b, `,"ns":"`...)
		b = append(b, ns...)
		b = append(b, '"')
	}
	b = append(b, `,"id":"`...)
	b = append(b, id...)
	return append(b, '"')
}

var (
	keyRID        = []byte(`"rid":`)
	opOK          = []byte(`"op":"ok"`)
	opError       = []byte(`"op":"error"`)
	duplicateJSON = []byte(`"duplicate":true`)
)

// answerJSON looks for members by their text. None of a heartbeat's answer
// could look like another: ids have no quotes, and those of a detail are
// escaped.
func answerJSON(frame []byte) (answerFrame, error) {
	a := answerFrame{ok: bytes.Contains(frame, opOK)}
	a.wrong = !a.ok && bytes.Contains(frame, opError)
	a.duplicate = a.ok && bytes.Contains(frame, duplicateJSON)
	at := bytes.Index(frame, keyRID)
	if at < 0 || !a.ok && !a.wrong {
		return a, nil
	}
	for _, digit := range frame[at+len(keyRID):] {
		if digit < '0' || digit > '9' {
			break
		}
		a.rid = 10*a.rid + uint64(digit-'0')
	}
	return a, nil
}

func problemJSON(frame []byte) *wire.Problem {
	p := new(wire.Problem)
	_ = json.Unmarshal(frame, p) // what is no problem has no code
	return coded(p)
}
