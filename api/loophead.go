package api

import (
	"bytes"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// verdict says what the bytes that a loop has read are.
type verdict uint8

const (
	partial verdict = iota // so far the beginning of a heartbeat
	hot                    // a heartbeat that the loop knows how to answer
	foreign                // for package http to read, from their first byte
	gone                   // nothing: the connection is at its end
)

// hotRequest is a heartbeat as a loop reads it. Its slices are parts of the
// buffer.
//
// It is far stricter than RFC 9112 asks for, so that no other reader of the same
// bytes, a proxy before the node or package http, can see another request in
// them: lines end with CR LF (section 2.2), a name is followed by its colon
// (section 5.1), no line is folded (section 5.2), values are visible ASCII, the
// body is as long as one Content-Length of plain digits says (section 6), and
// whatever header is not in the list of field is none that it knows. A request
// with an Origin, an Authorization, an Expect or a Transfer-Encoding is package
// http's, and so is one that wants the connection closed.
type hotRequest struct {
	path, id, ns    []byte
	host, requestID []byte
	body            []byte
	size            int // of all of it

	length            int // of the body; 0 before it is known
	typed, acceptable bool
}

const (
	hotBegin  = "POST " + wire.PathLeases + "/"
	hotEnd    = "/heartbeat"
	hotProto  = " HTTP/1.1"
	hotPathAt = len("POST ")
)

// read reads a request, whose body may have most bytes.
func (q *hotRequest) read(data []byte, most int64) verdict {
	*q = hotRequest{}
	line, at := nextLine(data, 0)
	if at == 0 {
		return possible(data)
	}
	if !q.requestLine(line) {
		return foreign
	}
	for {
		from := at
		if line, at = nextLine(data, from); at == from {
			return partial
		}
		if len(line) == 0 {
			return q.rest(data, at, most)
		}
		if !q.header(line) {
			return foreign
		}
	}
}

// possible tells whether the beginning of a request line may become that of a
// heartbeat.
func possible(data []byte) verdict {
	if n := min(len(data), len(hotBegin)); string(data[:n]) != hotBegin[:n] {
		return foreign
	}
	return partial
}

// nextLine returns the line at from without its end, and where the next one
// begins: from where it has no end yet. A line that does not end with CR LF has
// a byte in it that no line may have.
func nextLine(data []byte, from int) (line []byte, next int) {
	n := bytes.IndexByte(data[from:], '\n')
	if n < 0 {
		return nil, from
	}
	line = data[from : from+n]
	if n == 0 || line[n-1] != '\r' {
		return data[from : from+n+1], from + n + 1
	}
	return line[:n-1], from + n + 1
}

// requestLine reads the method, the target and the version (RFC 9112 section 3).
func (q *hotRequest) requestLine(line []byte) bool {
	target, ok := bytes.CutSuffix(line, []byte(hotProto))
	if !ok || !bytes.HasPrefix(target, []byte(hotBegin)) {
		return false
	}
	path, query, asks := bytes.Cut(target[hotPathAt:], []byte{'?'})
	q.path = path
	q.id, ok = bytes.CutSuffix(path[len(wire.PathLeases)+1:], []byte(hotEnd))
	if !ok || !isHotID(q.id) {
		return false
	}
	if !asks {
		return true
	}
	q.ns, ok = bytes.CutPrefix(query, []byte(paramNS+"="))
	return ok && len(q.ns) > 0 && len(q.ns) <= wire.MaxName && nameAlphabet.has(q.ns)
}

// isHotID is isID for bytes.
func isHotID(id []byte) bool {
	return len(id) > 0 && len(id) <= wire.MaxID && string(id) != "." && string(id) != ".." && idAlphabet.has(id)
}

// header reads one header line (RFC 9112 section 5).
func (q *hotRequest) header(line []byte) bool {
	name, value, ok := bytes.Cut(line, []byte{':'})
	if !ok {
		return false
	}
	for _, b := range value {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return q.field(name, bytes.Trim(value, " "))
}

// longestField is the length of the longest name that field knows.
const longestField = len("x-forwarded-proto")

// field takes a header, if it is one that the loop knows, and such as it knows
// it. Those that this package ignores may come in any number.
func (q *hotRequest) field(name, value []byte) bool {
	var lower [longestField]byte
	if len(name) > len(lower) {
		return false
	}
	for i, b := range name {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		lower[i] = b
	}
	switch string(lower[:len(name)]) {
	case "host":
		return once(&q.host, value) && hostAlphabet.has(value)
	case "content-length":
		return q.contentLength(value)
	case "content-type":
		return first(&q.typed) && string(value) == wire.TypeJSON
	case "accept":
		return first(&q.acceptable) && (string(value) == wire.TypeJSON || string(value) == "*/*")
	case "x-request-id":
		return once(&q.requestID, value) && len(value) <= wire.MaxRequestID
	case "connection":
		return bytes.EqualFold(value, []byte("keep-alive"))
	case "user-agent", "accept-encoding", "accept-language", "traceparent", "tracestate",
		"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip":
		return true
	}
	return false
}

// hostAlphabet is of what the loop knows in a Host: no user, no escape, no zone.
var hostAlphabet = newAlphabet(".:-_[]")

// once takes a value that may be given once, and not empty.
func once(to *[]byte, value []byte) bool {
	first := *to == nil && len(value) > 0
	*to = value
	return first
}

func first(seen *bool) bool {
	was := *seen
	*seen = true
	return !was
}

// contentLength reads digits without a leading zero (RFC 9112 section 6.2).
func (q *hotRequest) contentLength(value []byte) bool {
	if q.length != 0 || len(value) == 0 || len(value) > len("2048") || value[0] == '0' {
		return false
	}
	for _, b := range value {
		if !isDigit(b) {
			return false
		}
		q.length = q.length*10 + int(b-'0')
	}
	return true
}

// rest reads the body, which begins at.
func (q *hotRequest) rest(data []byte, at int, most int64) verdict {
	if q.host == nil || q.length == 0 || !q.typed || int64(q.length) > most || at+q.length > loopBuffer {
		return foreign
	}
	q.size = at + q.length
	if q.size > len(data) {
		return partial
	}
	q.body = data[at:q.size]
	return hot
}
