package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

var errAnswer = errors.New("unexpected answer")

// httpConn is one keep-alive connection of HTTP/1.1, as lean as that of
// `rollcall bench`: a request is bytes, and of an answer it reads what it must.
// It belongs to one goroutine.
type httpConn struct {
	host string
	nc   net.Conn
	in   *bufio.Reader
	out  []byte // the request, reused
	body []byte // of the answer read last, reused

	chunked bool // whether that is how its body came
}

func dialHTTP(ctx context.Context, host string) (*httpConn, error) {
	nc, err := dial(ctx, host)
	if err != nil {
		return nil, err
	}
	return &httpConn{host: host, nc: nc, in: bufio.NewReaderSize(nc, 4<<10)}, nil
}

func (c *httpConn) close() { c.nc.Close() }

// compose makes a request.
func (c *httpConn) compose(method, path string, body []byte) []byte {
	c.out = fmt.Appendf(c.out[:0], "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, c.host)
	if body != nil {
		c.out = fmt.Appendf(c.out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return append(append(c.out, "\r\n"...), body...)
}

// call sends a request and returns the body of its answer, which is valid until
// the next. Any status but 200 and 201 is an error.
func (c *httpConn) call(request []byte) ([]byte, error) {
	if _, err := c.nc.Write(request); err != nil {
		return nil, err
	}
	status, err := c.answer()
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK && status != http.StatusCreated {
		return nil, fmt.Errorf("%w: %d %s", errAnswer, status, c.body)
	}
	return c.body, nil
}

// answer reads one answer: its status, and its body into c.body.
func (c *httpConn) answer() (int, error) {
	status, length, err := c.head()
	if err != nil {
		return 0, err
	}
	c.body = c.body[:0]
	if length >= 0 {
		return status, c.more(length)
	}
	if !c.chunked {
		return status, fmt.Errorf("%w: a body of unknown length", errAnswer)
	}
	for {
		size, err := c.chunk()
		if err != nil || size == 0 {
			return status, err
		}
	}
}

// head reads the status and the length of the body, -1 where none is told: then
// it is chunked, or a stream that goes on until the connection ends.
func (c *httpConn) head() (status, length int, err error) {
	c.chunked = false
	line, err := c.line()
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("%w: %q", errAnswer, line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, fmt.Errorf("%w: %q", errAnswer, line)
	}
	for length = -1; ; {
		line, err := c.line()
		if err != nil || len(line) == 0 {
			return status, length, err
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			c.chunked = true
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, 0, fmt.Errorf("%w: %q", errAnswer, line)
			}
		}
	}
}

// chunk appends one chunk to the body and returns its size; 0 is the last.
func (c *httpConn) chunk() (int, error) {
	line, err := c.line()
	if err != nil {
		return 0, err
	}
	size, err := strconv.ParseUint(string(line), 16, 31)
	if err != nil {
		return 0, fmt.Errorf("%w: chunk of size %q", errAnswer, line)
	}
	if err := c.more(int(size)); err != nil {
		return 0, err
	}
	_, err = c.line() // after a chunk, or instead of a trailer, an empty one
	return int(size), err
}

func (c *httpConn) more(n int) error {
	have := len(c.body)
	c.body = append(c.body, make([]byte, n)...)
	_, err := io.ReadFull(c.in, c.body[have:])
	return err
}

// line returns the next line without its end, valid until the next read.
func (c *httpConn) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}
