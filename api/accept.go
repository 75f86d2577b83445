package api

import (
	"net"
	"sync"
)

// Listener returns l with connections on which every answer is of the
// contract: what package http cannot read never comes to a handler, and it
// says so by itself in plain text. What comes first on a connection is read by a
// loop for heartbeats: Accept returns those connections only that sent something
// else. The owner of HTTPServer serves on it, and by closing it ends the
// goroutine that the first Accept starts.
func (s *Server) Listener(l net.Listener) net.Listener {
	return &listener{Listener: l, server: s, passed: make(chan arrival), closed: make(chan struct{})}
}

// listener accepts connections and passes those on that are package http's.
type listener struct {
	net.Listener
	server *Server
	begin  sync.Once
	end    sync.Once
	passed chan arrival
	closed chan struct{}
}

// arrival is what an Accept returns.
type arrival struct {
	conn net.Conn
	err  error
}

// Accept returns the next connection that is package http's.
func (l *listener) Accept() (net.Conn, error) {
	l.begin.Do(func() { go l.accept() })
	select {
	case a := <-l.passed:
		return a.conn, a.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends accepting. Connections that are on their way to Accept are closed.
func (l *listener) Close() error {
	l.end.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// accept accepts until the listener is closed. After an error it goes on when
// Accept is called again, as package http does after one that passes.
func (l *listener) accept() {
	for {
		c, err := l.Listener.Accept()
		if err == nil {
			l.welcome(&conn{Conn: c, server: l.server, from: l})
			continue
		}
		select {
		case l.passed <- arrival{err: err}:
		case <-l.closed:
			return
		}
	}
}

// welcome gives a new connection to a loop, or to package http where there are
// none (any more).
func (l *listener) welcome(c *conn) {
	if l.server.plain || l.server.loops.enter() != nil {
		l.pass(c)
		return
	}
	go l.server.newBeatLoop(c).run()
}

// pass has Accept return a connection.
func (l *listener) pass(c *conn) {
	select {
	case l.passed <- arrival{conn: c}:
	case <-l.closed:
		c.Close()
	}
}
