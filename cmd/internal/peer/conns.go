package peer

import (
	"net"
	"sync"
)

// connSet owns connections so that all of them can be closed at once. The zero
// value is ready for use.
type connSet struct {
	mu      sync.Mutex
	conns   map[*ownedConn]struct{}
	refused bool
}

// ownedConn leaves its set when it is closed.
type ownedConn struct {
	net.Conn
	set *connSet
}

// Close leaves the set and closes the connection.
func (c *ownedConn) Close() error {
	c.set.forget(c)
	return c.Conn.Close()
}

// add takes conn into the set, or closes it where the set refuses.
func (s *connSet) add(conn net.Conn) (net.Conn, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused {
		_ = conn.Close()
		return nil, false
	}
	if s.conns == nil {
		s.conns = make(map[*ownedConn]struct{})
	}
	owned := &ownedConn{Conn: conn, set: s}
	s.conns[owned] = struct{}{}
	return owned, true
}

func (s *connSet) forget(c *ownedConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// refuse closes every connection and refuses further ones, until it is called
// with false.
func (s *connSet) refuse(on bool) {
	s.mu.Lock()
	s.refused = on
	var closing []*ownedConn
	if on {
		for c := range s.conns {
			closing = append(closing, c)
		}
	}
	s.mu.Unlock()
	for _, c := range closing {
		_ = c.Close()
	}
}

func (s *connSet) refuses() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

func (s *connSet) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}
