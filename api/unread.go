package api

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Listener returns l with connections on which every answer is of the
// contract: what package http cannot read never comes to a handler, and it
// says so by itself in plain text. The owner of HTTPServer serves on it.
func (s *Server) Listener(l net.Listener) net.Listener { return listener{l, s} }

type listener struct {
	net.Listener
	server *Server
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, server: l.server}, nil
}

// conn replaces an answer of package http's own, which is one write that comes
// before any other to what was read.
type conn struct {
	net.Conn
	server  *Server
	answers atomic.Bool // something was written since the last read
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.answers.Store(false)
	}
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	if !c.answers.Swap(true) {
		if complaint, ok := unreadComplaint(b); ok {
			_, err := c.Conn.Write(c.server.unreadAnswer(complaint))
			return len(b), err
		}
	}
	return c.Conn.Write(b)
}

// CloseWrite lets package http end its side first, so that the answer to a
// request that it did not read to its end arrives.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

const (
	unreadBegin = "HTTP/1.1 "
	// unreadHeaders are those that package http answers with (conn.serve, its
	// errorHeaders); no answer of a handler has these alone.
	unreadHeaders = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	unreadMax     = 512
)

// unreadComplaint returns what package http says against a request, if that is
// what b is: "400 Bad Request: missing required Host header" for example.
func unreadComplaint(b []byte) (complaint string, ok bool) {
	status, ok := bytes.CutPrefix(b, []byte(unreadBegin))
	if !ok || len(b) > unreadMax || len(status) == 0 || status[0] < '4' {
		return "", false
	}
	_, text, ok := bytes.Cut(status, []byte(unreadHeaders))
	return string(text), ok
}

// unreadAnswer is the whole answer to a request that could not be read.
func (s *Server) unreadAnswer(complaint string) []byte {
	p := invalid("request", "the request could not be read: %s", complaint)
	s.none.observe(p.Status, 0)
	body, err := encodeJSON(p)
	if err != nil {
		s.log.Error("encode problem", "error", err)
	}
	answer := http.Response{
		StatusCode: p.Status, ProtoMajor: 1, ProtoMinor: 1, Close: true,
		Header: http.Header{
			"Content-Type":       typeProblem,
			wire.HeaderNode:      s.nodeHeader,
			wire.HeaderRequestID: {s.ids.next()},
		},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	var b bytes.Buffer
	_ = answer.Write(&b) // to memory
	return b.Bytes()
}
