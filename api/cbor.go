package api

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// cborCodec reads and writes CBOR (RFC 8949) with the names of the JSON and
// times as RFC 3339 text. It is immutable.
type cborCodec struct {
	dec cbor.DecMode
	enc cbor.EncMode
}

// theCBOR is made once: its options are constants, and a mistake in them shows
// in any test.
var theCBOR = newCBORCodec()

func newCBORCodec() cborCodec {
	dec, err := cbor.DecOptions{
		DupMapKey:       cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels: maxDepth,
		TagsMd:          cbor.TagsForbidden,
		UTF8:            cbor.UTF8RejectInvalid,
		DefaultMapType:  reflect.TypeFor[map[string]any](),
	}.DecMode()
	if err != nil {
		panic("options of the CBOR decoder: " + err.Error())
	}
	enc, err := cbor.EncOptions{TextMarshaler: cbor.TextMarshalerTextString}.EncMode()
	if err != nil {
		panic("options of the CBOR encoder: " + err.Error())
	}
	return cborCodec{dec, enc}
}

func decodeCBOR(body []byte) (value, error) {
	var decoded any
	err := theCBOR.dec.Unmarshal(body, &decoded)
	var twice *cbor.DupMapKeyError
	if errors.As(err, &twice) {
		return value{}, repeated(fmt.Sprint(twice.Key))
	}
	if err != nil {
		return value{}, invalid(fieldBody, "the body is not valid CBOR: %s", strings.TrimPrefix(err.Error(), "cbor: "))
	}
	return cborValue(decoded), nil
}

func cborValue(decoded any) value {
	switch d := decoded.(type) {
	case nil:
		return value{kind: kindNull}
	case bool:
		return value{kind: kindBool, text: strconv.FormatBool(d)}
	case uint64:
		return value{kind: kindNumber, text: strconv.FormatUint(d, 10)}
	case int64:
		return value{kind: kindNumber, text: strconv.FormatInt(d, 10)}
	case float64:
		return cborFloat(d)
	case string:
		return value{kind: kindText, text: d}
	case []any:
		return cborList(d)
	case map[string]any:
		return cborObject(d)
	}
	return value{kind: kindOther}
}

// cborFloat writes a float so that it does not look like an integer.
func cborFloat(f float64) value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return value{kind: kindOther}
	}
	return value{kind: kindNumber, text: strconv.FormatFloat(f, 'e', -1, 64)}
}

func cborList(items []any) value {
	v := value{kind: kindList, list: make([]value, len(items))}
	for i, item := range items {
		v.list[i] = cborValue(item)
	}
	return v
}

func cborObject(object map[string]any) value {
	v := value{kind: kindObject, members: make([]member, 0, len(object))}
	for name, item := range object {
		v.members = append(v.members, member{name, cborValue(item)})
	}
	slices.SortFunc(v.members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return v
}
