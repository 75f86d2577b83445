package loadgen

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxAnswer bounds the body of one answer: a batch of which every beat was
// refused takes about 700 kB.
const maxAnswer = 8 << 20

var (
	errMalformed = errors.New("malformed HTTP answer")
	errTooLong   = errors.New("HTTP answer is too long")
)

// reader reads answers of HTTP/1.1 (RFC 9112) from one connection: the status,
// the body, and whether the connection may be used again. Of the rest only the
// ETag matters to the driver, where it lists.
type reader struct {
	in   *bufio.Reader
	body []byte // of the answer read last; reused

	tags bool   // keep ETags
	etag []byte // of the last answer that had one; reused
}

// head is what the driver keeps of an answer's start line and fields.
type head struct {
	status  int
	length  int // of the body; -1: not said
	chunked bool
	closing bool
}

// next reads one answer. The body is valid until the next call.
func (r *reader) next() (status int, body []byte, reusable bool, err error) {
	h, err := r.final()
	if err != nil {
		return 0, nil, false, err
	}
	if err := r.readBody(h); err != nil {
		return 0, nil, false, fmt.Errorf("read body of a %d: %w", h.status, err)
	}
	return h.status, r.body, !h.closing, nil
}

// final reads heads until one that is not interim (1xx).
func (r *reader) final() (head, error) {
	for {
		h, err := r.readHead()
		if err != nil || h.status >= 200 {
			return h, err
		}
	}
}

func (r *reader) readHead() (head, error) {
	line, err := r.line()
	if err != nil {
		return head{}, err
	}
	h := head{length: -1}
	if h.status, h.closing, err = statusLine(line); err != nil {
		return head{}, err
	}
	for {
		line, err := r.line()
		if err != nil {
			return head{}, err
		}
		if len(line) == 0 {
			return h, nil
		}
		if err := h.field(line); err != nil {
			return head{}, err
		}
		if r.tags {
			r.keepTag(line)
		}
	}
}

func (r *reader) keepTag(line []byte) {
	if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("etag")) {
		r.etag = append(r.etag[:0], bytes.TrimSpace(value)...)
	}
}

// line returns the next line without its end. It is valid until the next read.
func (r *reader) line() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, errTooLong
		}
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// statusLine reads "HTTP/1.1 200 OK". A server of HTTP/1.0 closes.
func statusLine(line []byte) (status int, closing bool, err error) {
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' {
		return 0, false, fmt.Errorf("%w: status line %q", errMalformed, line)
	}
	for _, digit := range line[9:12] {
		if digit < '0' || digit > '9' {
			return 0, false, fmt.Errorf("%w: status line %q", errMalformed, line)
		}
		status = 10*status + int(digit-'0')
	}
	return status, line[7] == '0', nil
}

// field notes the three fields that say where the body ends.
func (h *head) field(line []byte) error {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return fmt.Errorf("%w: field %q", errMalformed, line)
	}
	value = bytes.TrimSpace(value)
	switch len(name) {
	case len("connection"):
		if bytes.EqualFold(name, []byte("connection")) {
			h.closing = bytes.EqualFold(value, []byte("close"))
		}
	case len("content-length"):
		if bytes.EqualFold(name, []byte("content-length")) {
			return h.setLength(value)
		}
	case len("transfer-encoding"):
		if bytes.EqualFold(name, []byte("transfer-encoding")) {
			h.chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	return nil
}

func (h *head) setLength(value []byte) error {
	n, err := strconv.ParseUint(string(value), 10, 31)
	if err != nil {
		return fmt.Errorf("%w: Content-Length %q", errMalformed, value)
	}
	h.length = int(n)
	return nil
}

func (r *reader) readBody(h head) error {
	r.body = r.body[:0]
	switch {
	case h.status == 204 || h.status == 304:
		return nil
	case h.chunked:
		return r.readChunks()
	case h.length >= 0:
		return r.readMore(h.length)
	default:
		return fmt.Errorf("%w: neither Content-Length nor chunked", errMalformed)
	}
}

// readMore appends n bytes to the body.
func (r *reader) readMore(n int) error {
	have := len(r.body)
	if n > maxAnswer-have {
		return errTooLong
	}
	if cap(r.body)-have < n {
		r.body = append(make([]byte, 0, 2*have+n), r.body...)
	}
	r.body = r.body[:have+n]
	_, err := io.ReadFull(r.in, r.body[have:])
	return err
}

// readChunks reads a chunked body (RFC 9112, section 7.1) with its trailer.
func (r *reader) readChunks() error {
	for {
		size, err := r.chunkSize()
		if err != nil {
			return err
		}
		if size == 0 {
			return r.skipTrailer()
		}
		if err := r.readMore(size); err != nil {
			return err
		}
		if end, err := r.line(); err != nil || len(end) != 0 {
			return errors.Join(errMalformed, err)
		}
	}
}

func (r *reader) chunkSize() (int, error) {
	line, err := r.line()
	if err != nil {
		return 0, err
	}
	digits, _, _ := bytes.Cut(line, []byte(";"))
	size, err := strconv.ParseUint(string(bytes.TrimSpace(digits)), 16, 31)
	if err != nil {
		return 0, fmt.Errorf("%w: chunk size %q", errMalformed, line)
	}
	return int(size), nil
}

func (r *reader) skipTrailer() error {
	for {
		line, err := r.line()
		if err != nil || len(line) == 0 {
			return err
		}
	}
}
