package api

import (
	"strconv"
)

// appendJSON appends a value as compact JSON, numbers as they were written. It
// is false for what has no JSON form, and for a number beyond what a float of
// 64 bits can hold, which could not be read again.
func appendJSON(dst []byte, v value) (_ []byte, ok bool) {
	switch v.kind {
	case kindNull:
		return append(dst, "null"...), true
	case kindBool:
		return append(dst, v.text...), true
	case kindNumber:
		_, err := strconv.ParseFloat(v.text, 64)
		return append(dst, v.text...), err == nil
	case kindText:
		return appendJSONText(dst, v.text), true
	case kindList:
		return appendJSONList(dst, v.list)
	case kindObject:
		return appendJSONObject(dst, v.members)
	}
	return dst, false
}

func appendJSONList(dst []byte, list []value) (_ []byte, ok bool) {
	dst = append(dst, '[')
	for i, item := range list {
		if dst, ok = appendJSON(appendComma(dst, i), item); !ok {
			return dst, false
		}
	}
	return append(dst, ']'), true
}

func appendJSONObject(dst []byte, members []member) (_ []byte, ok bool) {
	dst = append(dst, '{')
	for i, m := range members {
		dst = append(appendJSONText(appendComma(dst, i), m.name), ':')
		if dst, ok = appendJSON(dst, m.value); !ok {
			return dst, false
		}
	}
	return append(dst, '}'), true
}

const hexDigits = "0123456789abcdef"

// appendJSONText appends a string; what is not valid UTF-8 cannot be in it.
func appendJSONText(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for i := range len(text) {
		switch b := text[i]; {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b >= ' ':
			dst = append(dst, b)
		case b == '\n':
			dst = append(dst, `\n`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
		}
	}
	return append(dst, '"')
}
