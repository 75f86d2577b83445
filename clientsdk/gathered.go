package clientsdk

import (
	"net"
	"sync"
	"time"
)

// writeTimeout bounds one write of a link.
const writeTimeout = 10 * time.Second

// gathered is a connection that gathers what is written while it is held, and
// writes it at once when it is let go.
type gathered struct {
	net.Conn

	mu   sync.Mutex // guards what follows, and the order of writes
	held bool
	buf  []byte
}

func (g *gathered) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.held {
		return g.Conn.Write(b)
	}
	g.buf = append(g.buf, b...)
	return len(b), nil
}

func (g *gathered) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = true
}

// size is how much was gathered.
func (g *gathered) size() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.buf)
}

// release writes what was gathered. A buffer that has become large is not kept.
func (g *gathered) release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = false
	_ = g.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := g.Conn.Write(g.buf)
	if g.buf = g.buf[:0]; cap(g.buf) > gatherMost {
		g.buf = nil
	}
	return err
}

// gatherMost is how many bytes go into one write, one frame more or less.
const gatherMost = 64 << 10
