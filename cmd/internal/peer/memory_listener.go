package peer

import (
	"net"
	"sync"
)

// memoryBacklog is how many connections may wait for Accept.
const memoryBacklog = 256

type memoryListener struct {
	memory  *Memory
	host    string
	addr    memoryAddr
	backlog chan net.Conn
	closed  chan struct{}
	close   sync.Once
}

func newMemoryListener(m *Memory, host, bound string) *memoryListener {
	return &memoryListener{
		memory:  m,
		host:    host,
		addr:    memoryAddr(bound),
		backlog: make(chan net.Conn, memoryBacklog),
		closed:  make(chan struct{}),
	}
}

// Accept waits for the next connection.
func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.backlog:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close frees the address and breaks what waits for Accept.
func (l *memoryListener) Close() error {
	l.close.Do(func() {
		l.memory.mu.Lock()
		delete(l.memory.listeners, string(l.addr))
		l.memory.mu.Unlock()
		close(l.closed)
		for {
			select {
			case conn := <-l.backlog:
				_ = conn.Close()
			default:
				return
			}
		}
	})
	return nil
}

// Addr is the address that was bound.
func (l *memoryListener) Addr() net.Addr { return l.addr }

// memoryAddr is a host:port of a Memory.
type memoryAddr string

// Network names the kind of address.
func (memoryAddr) Network() string { return "memory" }

func (a memoryAddr) String() string { return string(a) }
