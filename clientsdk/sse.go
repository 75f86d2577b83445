package clientsdk

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// frameBuffer is what a stream reads at once, and what it keeps of a line that
// was longer.
const frameBuffer = 4 << 10

// frame is one server-sent event.
type frame struct {
	event string
	id    string // its own; none is carried over from the one before
	data  []byte // its lines joined by newlines; nil where it has none
}

// frames reads server-sent events (WHATWG HTML, section 9.2). Lines end with
// LF or CRLF; a CR alone, which no node sends, ends none. What names no field
// that is known, comments among it, is left out.
type frames struct {
	r     *bufio.Reader
	limit int    // bytes of one event, all its lines together
	heard func() // after every read, for what waits for a sign of life
	long  []byte // a line that did not fit the reader's buffer
}

func newFrames(r io.Reader, limit int, heard func()) *frames {
	return &frames{r: bufio.NewReaderSize(r, frameBuffer), limit: limit, heard: heard}
}

// next returns the next event that has data. Errors are the reader's (an event
// that was cut off is none) and ErrAnswerTooLarge.
func (s *frames) next() (frame, error) {
	var f frame
	room := s.limit
	for {
		line, err := s.line(room)
		switch {
		case err != nil:
			return frame{}, err
		case len(line) > 0:
			room -= len(line)
			f.take(line)
		case f.data != nil:
			return f, nil
		default:
			f, room = frame{}, s.limit
		}
	}
}

// line returns the next line without its end. It holds until the next call.
func (s *frames) line(room int) ([]byte, error) {
	if cap(s.long) > frameBuffer {
		s.long = nil
	}
	s.long = s.long[:0]
	for {
		part, err := s.r.ReadSlice('\n')
		s.heard()
		if len(s.long)+len(part) > room+2 {
			return nil, ErrAnswerTooLarge
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			s.long = append(s.long, part...)
		case err != nil:
			return nil, err
		case len(s.long) == 0:
			return chomp(part), nil
		default:
			s.long = append(s.long, part...)
			return chomp(s.long), nil
		}
	}
}

func chomp(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// take reads one line of an event.
func (f *frame) take(line []byte) {
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(field) {
	case "event":
		f.event = string(value)
	case "id":
		f.id = string(value)
	case "data":
		if f.data == nil {
			f.data = append([]byte{}, value...)
		} else {
			f.data = append(append(f.data, '\n'), value...)
		}
	}
}
