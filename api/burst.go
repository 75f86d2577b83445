package api

import (
	"net"
	"sync"
)

// burst is a connection that is read in small pieces while little comes, and in
// large ones while much does: so many idle sessions hold no large buffers. One
// goroutine reads it.
type burst struct {
	net.Conn
	buf  *[burstSize]byte // from the pool, while it holds something
	rest []byte           // of buf
	full bool             // the last read filled what it was given
}

// burstSize is how many bytes are read at once while much comes.
const burstSize = 8 << 10

var bursts = sync.Pool{New: func() any { return new([burstSize]byte) }}

func (c *burst) Read(p []byte) (int, error) {
	if len(c.rest) == 0 && !c.full {
		n, err := c.Conn.Read(p)
		c.full = n == len(p)
		return n, err
	}
	if len(c.rest) == 0 {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	if c.rest = c.rest[n:]; len(c.rest) == 0 {
		c.empty()
	}
	return n, nil
}

func (c *burst) fill() error {
	c.buf = bursts.Get().(*[burstSize]byte)
	n, err := c.Conn.Read(c.buf[:])
	c.rest, c.full = c.buf[:n], n == len(c.buf)
	if n == 0 {
		c.empty()
		return err
	}
	return nil
}

func (c *burst) empty() {
	if c.buf != nil {
		bursts.Put(c.buf)
		c.buf, c.rest = nil, nil
	}
}

// CloseWrite ends this side of the connection, where it has sides.
func (c *burst) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
