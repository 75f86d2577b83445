package api

import (
	"errors"
	"fmt"
	"maps"
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
	dec, deep cbor.DecMode // to maxDepth, and to messageDepth
	enc       cbor.EncMode
}

// theCBOR is made once: its options are constants, and a mistake in them shows
// in any test.
var theCBOR = newCBORCodec()

func newCBORCodec() cborCodec {
	enc, err := cbor.EncOptions{TextMarshaler: cbor.TextMarshalerTextString}.EncMode()
	if err != nil {
		panic("options of the CBOR encoder: " + err.Error())
	}
	return cborCodec{dec: newCBORDecoder(maxDepth), deep: newCBORDecoder(messageDepth), enc: enc}
}

func newCBORDecoder(deepest int) cbor.DecMode {
	dec, err := cbor.DecOptions{
		DupMapKey:       cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels: deepest,
		TagsMd:          cbor.TagsForbidden,
		UTF8:            cbor.UTF8RejectInvalid,
		DefaultMapType:  reflect.TypeFor[map[string]any](),
	}.DecMode()
	if err != nil {
		panic("options of the CBOR decoder: " + err.Error())
	}
	return dec
}

// cborForm is an answer whose CBOR is not that of its struct.
type cborForm interface{ inCBOR() (any, error) }

func encodeCBOR(body any) ([]byte, error) {
	if f, ok := body.(cborForm); ok {
		var err error
		if body, err = f.inCBOR(); err != nil {
			return nil, err
		}
	}
	return theCBOR.enc.Marshal(body)
}

func decodeCBOR(dec cbor.DecMode, body []byte) (value, error) {
	var decoded any
	err := dec.Unmarshal(body, &decoded)
	var twice *cbor.DupMapKeyError
	if errors.As(err, &twice) {
		return value{}, repeated(fmt.Sprint(twice.Key))
	}
	if err != nil {
		return value{}, invalid(fieldBody, "the body is not valid CBOR: %s", strings.TrimPrefix(err.Error(), "cbor: "))
	}
	var t cborTree
	return t.value(decoded, 1)
}

// cborTree turns what the library decoded into values.
type cborTree struct{ budget budget }

func (t *cborTree) value(decoded any, depth int) (value, error) {
	if err := t.budget.take(); err != nil {
		return value{}, err
	}
	switch d := decoded.(type) {
	case []any:
		return t.list(d, depth)
	case map[string]any:
		return t.object(d, depth)
	}
	return cborScalar(decoded), nil
}

func (t *cborTree) list(items []any, depth int) (value, error) {
	v := value{kind: kindList}
	for _, item := range items {
		child, err := t.value(item, depth+1)
		if err != nil {
			return value{}, err
		}
		v.list = append(v.list, child)
	}
	return v, nil
}

func (t *cborTree) object(object map[string]any, depth int) (value, error) {
	v := value{kind: kindObject}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if depth == 1 {
			t.budget.field = name
		}
		child, err := t.value(object[name], depth+1)
		if err != nil {
			return value{}, err
		}
		v.members = append(v.members, member{name, child})
	}
	return v, nil
}

func cborScalar(decoded any) value {
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
