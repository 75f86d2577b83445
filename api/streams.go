package api

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// streams is what of a Server outlives the handler that began it, or waits long
// in one: watches, or sessions. It bounds and ends them.
type streams struct {
	what string // they are
	most int
	done chan struct{} // closed when all should end

	mu      sync.Mutex // guards what follows
	open    int
	closing bool
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
}

func (st *streams) drop(c net.Conn) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.conns, c)
	c.Close() // its position is with the client
}

// close ends all, and returns when they have ended. Those that have not when
// ctx ends lose their connections.
func (st *streams) close(ctx context.Context) error {
	st.mu.Lock()
	if !st.closing {
		st.closing = true
		close(st.done)
	}
	st.mu.Unlock()
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
	st.mu.Lock()
	for c := range st.conns {
		c.Close() // ends whoever writes to it
	}
	st.mu.Unlock()
	<-ended
	return ctx.Err()
}
