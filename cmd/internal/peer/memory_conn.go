package peer

import (
	"net"
	"sync"
	"time"
)

// memoryConn is one end of a connection in a Memory.
type memoryConn struct {
	memory        *Memory
	link          *memoryLink
	in, out       *pipe
	local, remote memoryAddr
	readUntil     deadline
	writeUntil    deadline
	closing       sync.Once
}

func newMemoryConns(m *Memory, link *memoryLink, near, far memoryAddr) (dialled, accepted *memoryConn) {
	dialled = &memoryConn{memory: m, link: link, in: link.back, out: link.there, local: near, remote: far}
	accepted = &memoryConn{memory: m, link: link, in: link.there, out: link.back, local: far, remote: near}
	for _, c := range []*memoryConn{dialled, accepted} {
		c.readUntil.init()
		c.writeUntil.init()
	}
	return dialled, accepted
}

// Read takes what the other end wrote.
func (c *memoryConn) Read(b []byte) (int, error) { return c.in.read(b, &c.readUntil) }

// Write waits while the buffer between the two ends is full.
func (c *memoryConn) Write(b []byte) (int, error) { return c.out.write(b, &c.writeUntil) }

// Close closes both directions; the other end still reads what was written.
func (c *memoryConn) Close() error {
	c.out.finish()
	c.in.close(net.ErrClosed)
	c.readUntil.set(time.Time{})
	c.writeUntil.set(time.Time{})
	c.closing.Do(func() { c.memory.leave(c.link) })
	return nil
}

// LocalAddr is this end's address.
func (c *memoryConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the other end's address.
func (c *memoryConn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *memoryConn) SetDeadline(t time.Time) error {
	c.readUntil.set(t)
	c.writeUntil.set(t)
	return nil
}

// SetReadDeadline makes reads fail from t on.
func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.readUntil.set(t)
	return nil
}

// SetWriteDeadline makes writes fail from t on.
func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.writeUntil.set(t)
	return nil
}
