package api

import (
	"strconv"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// rid is what a client calls a request of a session, a number or a string. An
// integer is kept as n, any other number as it was written.
type rid struct {
	kind valueKind // kindNull where there is none
	n    uint64
	text string
}

// maxRIDDigits bounds a number that is no integer.
const maxRIDDigits = 32

// ridOf returns the rid that a value is.
func ridOf(v value) (rid, bool) {
	switch v.kind {
	case kindNumber:
		if n, ok := v.integer(); ok {
			return rid{kind: kindNumber, n: n}, true
		}
		return rid{kind: kindNumber, text: v.text}, len(v.text) <= maxRIDDigits && isFinite(v.text)
	case kindText:
		return rid{kind: kindText, text: v.text}, len(v.text) <= wire.MaxRID
	}
	return rid{}, false
}

func isFinite(number string) bool {
	_, err := strconv.ParseFloat(number, 64)
	return err == nil
}

// value returns the value that a rid was.
func (r rid) value() value {
	v := value{kind: r.kind, text: r.text}
	if r.kind == kindNumber && r.text == "" {
		v.text = strconv.FormatUint(r.n, 10)
	}
	return v
}

func (r rid) appendJSON(dst []byte) []byte {
	switch {
	case r.kind == kindText:
		return appendJSONText(dst, r.text)
	case r.kind != kindNumber:
		return append(dst, "null"...)
	case r.text != "":
		return append(dst, r.text...)
	}
	return strconv.AppendUint(dst, r.n, 10)
}

func (r rid) appendCBOR(dst []byte) []byte { return appendCBOR(dst, r.value()) }

// rid takes a member that must be a rid.
func (f *fields) rid(name string) (rid, bool) {
	v, there := f.take(name)
	if !there {
		f.require(name, false)
		return rid{}, false
	}
	r, ok := ridOf(v)
	if !ok {
		f.fail(name, "want an integer, another number of at most %d characters, or a string of at most %d bytes", maxRIDDigits, wire.MaxRID)
		return rid{}, false
	}
	return r, true
}
