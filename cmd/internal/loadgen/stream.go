package loadgen

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// streamBuffer is all that one watcher reads into, unless it looks at the data:
// what is longer, which is data, is passed over.
const streamBuffer = 1 << 10

// streamSilence is how long a stream may say nothing: three bookmarks.
const streamSilence = 3 * wire.BookmarkEvery

// heard is what the driver keeps of a server-sent event.
type heard struct {
	revision uint64
	placed   bool // it has an id: the revision
	kind     heardKind
}

type heardKind uint8

const (
	heardEvent heardKind = iota // of a lease
	heardSnapshot
	heardBookmark
	heardError
)

// stream is one watch over one connection.
type stream struct {
	conn *conn
	in   *bufio.Reader // of the body
	keep bool          // data
	data []byte        // the last line of it of the event read last, where it is kept
}

// openStream asks for a watch; lastID, unless empty, is the revision to go on
// from. An answer other than 200 is the problem that it tells.
func openStream(c *conn, path, lastID string) (*stream, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	c.out = append(c.out[:0], "GET "+path+" HTTP/1.1\r\nHost: "+c.hosts[c.at]+"\r\nAccept: "+wire.TypeEvents+"\r\n"...)
	c.out = append(c.out, c.fields...)
	if lastID != "" {
		c.out = append(c.out, "Last-Event-ID: "+lastID+"\r\n"...)
	}
	c.out = append(c.out, "\r\n"...)
	if _, err := c.nc.Write(c.out); err != nil {
		return nil, fmt.Errorf("send to %s: %w", c.hosts[c.at], err)
	}
	h, err := c.in.readHead()
	switch {
	case err != nil:
		return nil, fmt.Errorf("answer of %s: %w", c.hosts[c.at], err)
	case h.status == http.StatusOK:
		return newStream(c, h), nil
	}
	if err := c.in.readBody(h); err != nil {
		return nil, fmt.Errorf("answer of %s: %w", c.hosts[c.at], err)
	}
	return nil, problem(h.status, c.in.body)
}

func newStream(c *conn, h head) *stream {
	if h.chunked {
		return &stream{conn: c, in: bufio.NewReaderSize(httputil.NewChunkedReader(c.in.in), c.buffer)}
	}
	return &stream{conn: c, in: c.in.in}
}

// next waits for the next event.
func (s *stream) next() (heard, error) {
	if err := s.conn.patient(streamSilence); err != nil {
		return heard{}, err
	}
	return s.read()
}

func (s *stream) read() (heard, error) {
	var e heard
	for some := false; ; {
		line, err := s.line()
		if err != nil {
			return heard{}, err
		}
		if len(line) == 0 && some {
			return e, nil
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) == 0 { // a comment
			continue
		}
		some = true
		value = bytes.TrimPrefix(value, []byte(" "))
		if s.keep && string(name) == "data" {
			s.data = append(s.data[:0], value...)
		}
		e.field(string(name), value)
	}
}

// line returns the beginning of the next line, as much as fits the buffer.
func (s *stream) line() ([]byte, error) {
	line, err := s.in.ReadSlice('\n')
	if err == nil {
		return bytes.TrimRight(line, "\r\n"), nil
	}
	if !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = s.in.ReadSlice('\n')
	}
	return longLine, err
}

// longLine stands for a line that did not fit: data.
var longLine = []byte("data:")

func (e *heard) field(name string, value []byte) {
	switch name {
	case "id":
		var err error
		e.revision, err = strconv.ParseUint(string(value), 10, 64)
		e.placed = err == nil
	case "event":
		e.kind = kindOf(value)
	}
}

func kindOf(name []byte) heardKind {
	switch string(name) {
	case wire.EventSnapshot:
		return heardSnapshot
	case wire.EventBookmark:
		return heardBookmark
	case "error":
		return heardError
	default:
		return heardEvent
	}
}

// patient lets the connection be silent for d from now on, unless the run is
// called off.
func (c *conn) patient(d time.Duration) error {
	if err := c.nc.SetDeadline(time.Now().Add(d)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	return c.ctx.Err() // after the deadline, so that a run that is called off meanwhile shortens it
}
