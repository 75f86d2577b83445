package api

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// jsonReader reads one JSON text (RFC 8259) strictly: valid UTF-8, no name
// twice in an object, no lone surrogates, nothing after the value. (Package
// encoding/json lets all four pass, and matches names in any case.)
type jsonReader struct {
	data    []byte
	at      int
	deepest int
	budget  budget
}

func decodeJSON(body []byte, deepest int) (value, error) {
	if !utf8.Valid(body) {
		return value{}, invalid(fieldBody, "the body is not valid UTF-8")
	}
	r := jsonReader{data: body, deepest: deepest}
	v, err := r.value(1)
	if err != nil {
		return value{}, err
	}
	r.space()
	if r.at < len(r.data) {
		return value{}, r.wrong("the body goes on after its value")
	}
	return v, nil
}

func (r *jsonReader) wrong(what string) *wire.Problem {
	return invalid(fieldBody, "the body is not valid JSON: %s (byte %d)", what, r.at)
}

// peek returns the next byte, 0 at the end (which is nowhere valid JSON).
func (r *jsonReader) peek() byte {
	if r.at < len(r.data) {
		return r.data[r.at]
	}
	return 0
}

func (r *jsonReader) space() {
	for {
		switch r.peek() {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

// next skips space and takes b if it is next.
func (r *jsonReader) next(b byte) bool {
	r.space()
	if r.peek() != b {
		return false
	}
	r.at++
	return true
}

func (r *jsonReader) value(depth int) (value, error) {
	if err := r.budget.take(); err != nil {
		return value{}, err
	}
	r.space()
	switch b := r.peek(); {
	case b == '{' || b == '[':
		if depth > r.deepest {
			return value{}, r.wrong(fmt.Sprintf("it nests deeper than %d", r.deepest))
		}
		r.at++
		if b == '{' {
			return r.object(depth)
		}
		return r.list(depth)
	case b == '"':
		s, err := r.str()
		return value{kind: kindText, text: s}, err
	case b == '-' || isDigit(b):
		return r.number()
	default:
		return r.word()
	}
}

func (r *jsonReader) object(depth int) (value, error) {
	v := value{kind: kindObject}
	if r.next('}') {
		return v, nil
	}
	for {
		m, err := r.member(depth)
		if err != nil {
			return value{}, err
		}
		v.members = append(v.members, m)
		if r.next(',') {
			continue
		}
		if !r.next('}') {
			return value{}, r.wrong("want , or } in an object")
		}
		if name, twice := firstRepeated(v.members); twice {
			return value{}, repeated(name)
		}
		return v, nil
	}
}

func (r *jsonReader) member(depth int) (member, error) {
	r.space()
	if r.peek() != '"' {
		return member{}, r.wrong("want the name of a member")
	}
	name, err := r.str()
	if err != nil {
		return member{}, err
	}
	if !r.next(':') {
		return member{}, r.wrong("want : after a name")
	}
	if depth == 1 {
		r.budget.field = name
	}
	v, err := r.value(depth + 1)
	return member{name, v}, err
}

func (r *jsonReader) list(depth int) (value, error) {
	v := value{kind: kindList}
	if r.next(']') {
		return v, nil
	}
	for {
		item, err := r.value(depth + 1)
		if err != nil {
			return value{}, err
		}
		v.list = append(v.list, item)
		if r.next(',') {
			continue
		}
		if !r.next(']') {
			return value{}, r.wrong("want , or ] in a list")
		}
		return v, nil
	}
}

func (r *jsonReader) word() (value, error) {
	for _, w := range [...]struct {
		text string
		kind valueKind
	}{{"null", kindNull}, {"true", kindBool}, {"false", kindBool}} {
		if rest := r.data[r.at:]; len(rest) >= len(w.text) && string(rest[:len(w.text)]) == w.text {
			r.at += len(w.text)
			return value{kind: w.kind, text: w.text}, nil
		}
	}
	return value{}, r.wrong("want a value")
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func (r *jsonReader) digits() (n int) {
	for isDigit(r.peek()) {
		r.at++
		n++
	}
	return n
}

func (r *jsonReader) number() (value, error) {
	from := r.at
	if r.peek() == '-' {
		r.at++
	}
	first := r.peek()
	if n := r.digits(); n == 0 || n > 1 && first == '0' {
		return value{}, r.wrong("malformed number")
	}
	if r.peek() == '.' {
		r.at++
		if r.digits() == 0 {
			return value{}, r.wrong("malformed number")
		}
	}
	if b := r.peek(); b == 'e' || b == 'E' {
		r.at++
		if b := r.peek(); b == '+' || b == '-' {
			r.at++
		}
		if r.digits() == 0 {
			return value{}, r.wrong("malformed number")
		}
	}
	return value{kind: kindNumber, text: string(r.data[from:r.at])}, nil
}

// str reads a string; its opening quote is next.
func (r *jsonReader) str() (string, error) {
	r.at++
	from := r.at
	for {
		switch b := r.peek(); {
		case b == '"':
			s := string(r.data[from:r.at])
			r.at++
			return s, nil
		case b == '\\':
			return r.escaped(append([]byte(nil), r.data[from:r.at]...))
		case b < 0x20:
			return "", r.wrong("a string that does not end, or a control character in it")
		}
		r.at++
	}
}

// escaped reads the rest of a string that has an escape in it.
func (r *jsonReader) escaped(s []byte) (string, error) {
	for {
		switch b := r.peek(); {
		case b == '"':
			r.at++
			return string(s), nil
		case b == '\\':
			r.at++
			char, err := r.escape()
			if err != nil {
				return "", err
			}
			s = utf8.AppendRune(s, char)
		case b < 0x20:
			return "", r.wrong("a string that does not end, or a control character in it")
		default:
			s = append(s, b)
			r.at++
		}
	}
}

func (r *jsonReader) escape() (rune, error) {
	b := r.peek()
	r.at++
	switch b {
	case '"', '\\', '/':
		return rune(b), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return r.unicode()
	}
	return 0, r.wrong("unknown escape")
}

// unicode reads what follows \u, with the second half of a surrogate pair.
func (r *jsonReader) unicode() (rune, error) {
	high, ok := r.hex4()
	if !ok {
		return 0, r.wrong(`want four hexadecimal digits after \u`)
	}
	if !utf16.IsSurrogate(high) {
		return high, nil
	}
	if r.at+1 < len(r.data) && r.data[r.at] == '\\' && r.data[r.at+1] == 'u' {
		r.at += 2
		if low, ok := r.hex4(); ok {
			if char := utf16.DecodeRune(high, low); char != utf8.RuneError {
				return char, nil
			}
		}
	}
	return 0, r.wrong("half of a surrogate pair")
}

func (r *jsonReader) hex4() (rune, bool) {
	if r.at+4 > len(r.data) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(r.data[r.at:r.at+4]), 16, 16)
	if err != nil {
		return 0, false
	}
	r.at += 4
	return rune(n), true
}
