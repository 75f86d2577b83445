package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
)

// script is a connection whose client sends these pieces, each of which is one
// read, and then ends its side.
type script struct {
	mu     sync.Mutex
	pieces [][]byte
	said   bytes.Buffer  // by the server
	closed chan struct{} // by the server
	once   sync.Once
}

func newScript(pieces ...[]byte) *script {
	some := slices.DeleteFunc(slices.Clone(pieces), func(p []byte) bool { return len(p) == 0 })
	return &script{pieces: some, closed: make(chan struct{})}
}

func (c *script) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.pieces[0])
	if c.pieces[0] = c.pieces[0][n:]; len(c.pieces[0]) == 0 {
		c.pieces = c.pieces[1:]
	}
	return n, nil
}

func (c *script) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.Write(b)
}

func (c *script) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *script) SetDeadline(time.Time) error      { return nil }
func (c *script) SetReadDeadline(time.Time) error  { return nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }

// door is a listener whose connections a test makes.
type door struct{ *pipes }

// serveDoor serves what comes through a door until the test ends.
func serveDoor(t testing.TB, c api.Config) (*api.Server, *door) {
	t.Helper()
	s, err := api.New(c)
	if err != nil {
		t.Fatal(err)
	}
	d, h, ended := &door{&pipes{make(chan net.Conn), make(chan struct{})}}, s.HTTPServer(), make(chan error, 1)
	go func() { ended <- h.Serve(s.Listener(d)) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(s.Close(ctx), h.Close()); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return s, d
}

// play plays a script and returns what the server said until it closed.
func (d *door) play(pieces ...[]byte) []byte {
	c := newScript(pieces...)
	d.conns <- c
	<-c.closed
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.Bytes()
}
