package api

import (
	"slices"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// valueKind is what a decoded value is, be it from JSON or from CBOR.
type valueKind uint8

const (
	kindNull valueKind = iota
	kindBool
	kindNumber
	kindText
	kindList
	kindObject
	kindOther // CBOR only: a byte string, a simple value, an infinite number
)

var kindNames = [...]string{"null", "a boolean", "a number", "a string", "a list", "an object", "something that JSON does not have"}

func (k valueKind) String() string { return kindNames[k] }

// value is a body, or a part of one, before anybody has asked what it should
// be. Both formats become values, so that both are held to the same rules.
type value struct {
	kind valueKind
	// text is a string's content, or a number's literal as JSON has it: digits
	// alone are an integer.
	text    string
	list    []value
	members []member // of an object: no name twice
}

type member struct {
	name  string
	value value
}

const (
	// maxDepth bounds how deep a body may nest; the deepest of the contract is 3.
	maxDepth = 16
	// messageDepth bounds how deep one may nest that has a message in it.
	messageDepth = 64
	// maxValues bounds how many values a body may hold, each of which takes some
	// 100 bytes while it is decoded; the most of the contract are 30,002, a batch
	// of 10,000 beats.
	maxValues = 100_000
)

// budget counts the values of a body. It remembers in which field they are.
type budget struct {
	used  int
	field string
}

// take counts one value.
func (b *budget) take() error {
	if b.used++; b.used <= maxValues {
		return nil
	}
	field := b.field
	if field == "" {
		field = fieldBody
	}
	return invalid(field, "%s: the body holds more than %d values", field, maxValues)
}

// decodeValue decodes a whole body.
func decodeValue(body []byte, m media) (value, error) {
	if m == mediaCBOR {
		return decodeCBOR(theCBOR.dec, body)
	}
	return decodeJSON(body, maxDepth)
}

// decodeDeep decodes a body that may have a message in it.
func decodeDeep(body []byte, m media) (value, error) {
	if m == mediaCBOR {
		return decodeCBOR(theCBOR.deep, body)
	}
	return decodeJSON(body, messageDepth)
}

// firstRepeated returns a name that occurs twice.
func firstRepeated(members []member) (string, bool) {
	if len(members) < 2 {
		return "", false
	}
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.name
	}
	slices.Sort(names)
	for i, name := range names[1:] {
		if names[i] == name {
			return name, true
		}
	}
	return "", false
}

func repeated(name string) *wire.Problem {
	return invalid(name, "%q is there twice", name)
}
