package api

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// frameBuffers keeps the memory of frames while they are taken apart.
var frameBuffers = sync.Pool{New: func() any { return new([]byte) }}

// read reads frames until the session ends, and then closes the connection.
func (c *session) read() {
	c.ws.SetReadLimit(max(wire.MaxFrame, c.server.limits.MaxBody))
	c.ws.SetPingHandler(c.pong)
	c.ws.SetPongHandler(c.ponged)
	c.ws.SetCloseHandler(func(int, string) error { return nil })
	c.end(c.readFrames())
	<-c.written
	c.linger()
	c.work.Wait()
	c.forsake()
}

// readFrames begins the requests that come, and returns why no more do.
func (c *session) readFrames() (e *ending) {
	defer func() {
		if p := recover(); p != nil {
			e = c.broke(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	var extended time.Time
	for {
		if now := time.Now(); now.Sub(extended) > time.Second {
			extended = now
			c.extend(now)
		}
		kind, r, err := c.ws.NextReader()
		if err == nil {
			err = c.readFrame(kind, r)
		}
		if err != nil {
			return endingOf(err)
		}
	}
}

// extend gives a client more time for its next frame, unless the session ends.
func (c *session) extend(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == nil {
		_ = c.conn.SetReadDeadline(now.Add(silence))
	}
}

// readFrame reads one message, whole, and takes it apart.
func (c *session) readFrame(kind int, r io.Reader) error {
	b := frameBuffers.Get().(*[]byte)
	defer frameBuffers.Put(b)
	payload, err := readWhole((*b)[:0], r)
	if *b = payload; cap(payload) > maxKept {
		*b = nil
	}
	if err != nil {
		return err
	}
	c.server.metrics.framesIn.Inc()
	if e := c.take(kind, payload); e != nil {
		return e
	}
	return nil
}

func readWhole(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// ponged hears that the client is there.
func (c *session) ponged(string) error {
	c.extend(time.Now())
	return nil
}

// pong answers a ping of the client's.
func (c *session) pong(data string) error {
	c.extend(time.Now())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == nil && c.out.count < maxWeight { // a flood of pings that reads no pongs gets fewer
		c.queueFrame(framePong, []byte(data), 0)
	}
	return nil
}

// Error makes an ending what readFrames returns.
func (e *ending) Error() string { return e.text }

// endingOf says how a session ends whose reading failed.
func endingOf(err error) *ending {
	var e *ending
	var closed *websocket.CloseError
	var late net.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &closed) && closed.Code == websocket.CloseNoStatusReceived:
		return &ending{}
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure:
		return &ending{code: closed.Code}
	case errors.As(err, &late) && late.Timeout():
		return &ending{code: websocket.ClosePolicyViolation, text: fmt.Sprintf("nothing was heard for %v", silence)}
	}
	return &ending{silent: true} // gone, or told by the library why not
}

// broke logs what should not happen, and says how the session ends by it.
func (c *session) broke(err error) *ending {
	c.server.log.Error("session failed", "request_id", c.name, "error", err)
	return &ending{code: websocket.CloseInternalServerErr, text: "the node failed"}
}

// linger lets a client that was still sending read the close frame: what is
// closed with something unread takes back what was sent last. Where the
// connection is gone it returns at once.
func (c *session) linger() {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() != nil {
		return
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(lingerWithin))
	_, _ = io.CopyN(io.Discard, c.conn, 1<<20)
}
