package api

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/fxamacker/cbor/v2"
)

// The major types of CBOR that JSON has (RFC 8949 section 3.1).
const (
	cborUint   = 0 << 5
	cborNegint = 1 << 5
	cborText   = 3 << 5
	cborList   = 4 << 5
	cborMap    = 5 << 5
	cborSimple = 7 << 5
)

// cborOfJSON returns the CBOR of a JSON text that appendJSON wrote. Integers
// of 64 bits stay integers, all other numbers are floats.
func cborOfJSON(text []byte) (cbor.RawMessage, error) {
	v, err := decodeJSON(text, messageDepth)
	if err != nil {
		return nil, fmt.Errorf("a message's body: %w", err)
	}
	return appendCBOR(make([]byte, 0, len(text)), v), nil
}

func appendCBOR(dst []byte, v value) []byte {
	switch v.kind {
	case kindBool:
		if v.text == "true" {
			return append(dst, cborSimple|21)
		}
		return append(dst, cborSimple|20)
	case kindNumber:
		return appendCBORNumber(dst, v.text)
	case kindText:
		return appendCBORText(dst, v.text)
	case kindList:
		dst = appendCBORHead(dst, cborList, uint64(len(v.list)))
		for _, item := range v.list {
			dst = appendCBOR(dst, item)
		}
		return dst
	case kindObject:
		dst = appendCBORHead(dst, cborMap, uint64(len(v.members)))
		for _, m := range v.members {
			dst = appendCBOR(appendCBORText(dst, m.name), m.value)
		}
		return dst
	}
	return append(dst, cborSimple|22) // null
}

func appendCBORText(dst []byte, text string) []byte {
	return append(appendCBORHead(dst, cborText, uint64(len(text))), text...)
}

func appendCBORNumber(dst []byte, text string) []byte {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return appendCBORHead(dst, cborUint, n)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n < 0 {
		return appendCBORHead(dst, cborNegint, uint64(-(n + 1)))
	}
	f, _ := strconv.ParseFloat(text, 64) // what is in range was checked when it came
	return binary.BigEndian.AppendUint64(append(dst, cborSimple|27), math.Float64bits(f))
}

// appendCBORHead appends the head of an item: its major type and its number.
func appendCBORHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n <= math.MaxUint8:
		return append(dst, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}
