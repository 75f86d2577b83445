package api

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// settle is a ConnState of package http: what it writes after a whole answer may
// be a complaint about a request that came with the one answered.
func settle(c net.Conn, state http.ConnState) {
	if own, ok := c.(*conn); ok && state == http.StateIdle {
		own.answers.Store(false)
	}
}

// conn replaces an answer of package http's own, which is one write that comes
// before any other to what was read.
type conn struct {
	net.Conn
	server  *Server
	from    *listener
	answers atomic.Bool // something was written in answer to what was read

	rest  []byte // was read already; whoever reads owns it
	moves int    // from package http to a loop, in a row; whoever serves owns it
}

func (c *conn) Read(b []byte) (n int, err error) {
	if len(c.rest) > 0 {
		n = copy(b, c.rest)
		if c.rest = c.rest[n:]; len(c.rest) == 0 {
			c.rest = nil
		}
	} else {
		n, err = c.Conn.Read(b)
	}
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
