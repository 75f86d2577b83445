package api

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// streams is what of a Server outlives the handler that began it, or waits long
// in one: watches, sessions, or connections of loops. It bounds and ends them.
type streams struct {
	what string // they are
	most int
	rest bool          // those that read when all should end may do it at once
	done chan struct{} // closed when all should end
	// hurry is how long a write that is on its way then may still take; 0 is as
	// long as others.
	hurry time.Duration

	mu      sync.Mutex // guards what follows
	open    int
	closing bool
	forced  bool                  // connections are taken away
	conns   map[net.Conn]struct{} // hijacked, and still in use
	running sync.WaitGroup
}

func newStreams(what string, most int) *streams {
	return &streams{what: what, most: most, done: make(chan struct{}), conns: make(map[net.Conn]struct{})}
}

// enter takes one place, which leave gives back; the error is ErrOverloaded.
func (st *streams) enter() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closing {
		return fmt.Errorf("%w: this node goes away", ErrOverloaded)
	}
	if st.open >= st.most {
		return fmt.Errorf("%w: %d %s are open here", ErrOverloaded, st.open, st.what)
	}
	st.open++
	st.running.Add(1)
	return nil
}

func (st *streams) leave() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.open--
	st.running.Done()
}

// adopt takes over a connection until drop closes it.
func (st *streams) adopt(c net.Conn) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.conns[c] = struct{}{}
	if st.forced {
		c.Close()
	}
}

func (st *streams) drop(c net.Conn) {
	st.yield(c)
	c.Close() // its position is with the client
}

// yield gives a connection up to somebody else.
func (st *streams) yield(c net.Conn) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.conns, c)
}

// forcedWithin is how long who has lost the connection may take to end: what
// still reads a message from a disk that hangs never does, and must not keep the
// node from ending.
const forcedWithin = 2 * time.Second

// close ends all, and returns when they have ended. Those that have not when
// ctx ends lose their connections, and are not waited for much longer.
func (st *streams) close(ctx context.Context) error {
	st.begin()
	ended := make(chan struct{})
	go func() {
		st.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	st.force()
	timer := time.NewTimer(forcedWithin)
	defer timer.Stop()
	select {
	case <-ended:
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("%s do not end (does the disk hang?): %w", st.what, ctx.Err())
	}
}

// begin asks all to end.
func (st *streams) begin() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closing {
		return
	}
	st.closing = true
	close(st.done)
	for c := range st.conns {
		if st.hurry > 0 {
			_ = c.SetWriteDeadline(time.Now().Add(st.hurry)) // a broken one ends anyway
		}
		if st.rest {
			_ = c.SetReadDeadline(time.Now())
		}
	}
}

// force takes the connections away, which ends whoever writes to them.
func (st *streams) force() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.forced = true
	for c := range st.conns {
		c.Close()
	}
}
