package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// helloTimeout is how long either side waits for the other's hello.
	helloTimeout = 5 * time.Second
	// handshakesMax is how many connections may be in their hello at once; a
	// further one is closed unheard.
	handshakesMax = 200
	// connsMax is how many connections a port holds at once, dialled ones
	// included; a further one is closed unheard.
	connsMax = 4096
	// acceptPauseMax is the longest pause after a failing accept (out of file
	// descriptors, say).
	acceptPauseMax = time.Second
)

// Config is what a port is told.
type Config struct {
	Network   Network         // TCP{} when nil
	Addr      string          // host:port to bind
	Advertise string          // host:port by which others reach it; what was bound when empty
	Identity  func() Identity // who this node is now: it gains a cluster while it runs
	Logger    *slog.Logger    // discarded when nil
}

// Port is one node's end of everything between nodes.
type Port struct {
	network   Network
	listener  net.Listener
	advertise string
	identity  func() Identity
	log       *slog.Logger

	ctx        context.Context // ends with Close
	cancel     context.CancelFunc
	running    sync.WaitGroup
	handshakes chan struct{} // one place for each hello under way
	conns      connSet
	raft       *raftLayer

	mu       sync.Mutex // guards the handlers, and running against Close
	calls    map[string]CallHandler
	onStream StreamHandler
}

// Open binds the port and starts to accept. What comes before its handler is set
// is refused.
func Open(c Config) (*Port, error) {
	if c.Identity == nil {
		return nil, errors.New("open peer port: no identity")
	}
	if c.Network == nil {
		c.Network = TCP{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	listener, err := c.Network.Listen(c.Addr)
	if err != nil {
		return nil, fmt.Errorf("open peer port: %w", err)
	}
	p := newPort(c, listener)
	p.running.Add(1)
	go p.accept()
	return p, nil
}

func newPort(c Config, listener net.Listener) *Port {
	p := &Port{
		network:    c.Network,
		listener:   listener,
		advertise:  c.Advertise,
		identity:   c.Identity,
		log:        c.Logger,
		handshakes: make(chan struct{}, handshakesMax),
		calls:      make(map[string]CallHandler),
	}
	if p.advertise == "" {
		p.advertise = listener.Addr().String()
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.raft = newRaftLayer(p)
	return p
}

// Addr is the address that was bound, host:port.
func (p *Port) Addr() string { return p.listener.Addr().String() }

// Close stops accepting, closes every connection and waits until every handler
// has returned.
func (p *Port) Close() error {
	p.mu.Lock()
	p.cancel()
	p.mu.Unlock()
	err := p.listener.Close()
	_ = p.raft.Close()
	p.conns.refuse(true)
	p.running.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close peer port: %w", err)
	}
	return nil
}

func (p *Port) accept() {
	defer p.running.Done()
	pause := time.Duration(0)
	for p.ctx.Err() == nil {
		conn, err := p.listener.Accept()
		if err != nil {
			pause = p.pause(pause, err)
			continue
		}
		pause = 0
		p.admit(conn)
	}
}

// pause waits a little longer than the last time, or until the port is closed.
func (p *Port) pause(last time.Duration, cause error) time.Duration {
	next := min(max(2*last, 5*time.Millisecond), acceptPauseMax)
	if p.ctx.Err() != nil {
		return next
	}
	p.log.Error("cannot accept a peer's connection", "error", cause, "pause", next)
	timer := time.NewTimer(next)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
	}
	return next
}

// admit starts a connection's own goroutine, or closes it where there are too
// many.
func (p *Port) admit(conn net.Conn) {
	select {
	case p.handshakes <- struct{}{}:
	default:
		p.log.Warn("too many peers say hello at once", "limit", handshakesMax, "closed", conn.RemoteAddr())
		_ = conn.Close()
		return
	}
	if p.conns.len() >= connsMax {
		p.log.Warn("too many connections of peers", "limit", connsMax, "closed", conn.RemoteAddr())
		_ = conn.Close()
		<-p.handshakes
		return
	}
	owned, ok := p.conns.add(conn)
	if !ok {
		<-p.handshakes
		return
	}
	if !p.run(func() { p.serve(owned) }) {
		<-p.handshakes
	}
}

// run starts a goroutine that Close waits for, unless it began already.
func (p *Port) run(f func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return false
	}
	p.running.Go(f)
	return true
}

// serve hears the hello and hands the connection to whoever it is for.
func (p *Port) serve(conn net.Conn) {
	h, err := p.welcome(conn)
	<-p.handshakes
	if err != nil {
		p.log.Debug("a peer's hello failed", "from", conn.RemoteAddr(), "error", err)
		_ = conn.Close()
		return
	}
	switch h.kind {
	case kindRaft:
		p.raft.deliver(conn)
	case kindCall:
		p.serveCall(conn, h.From)
	case kindStream:
		p.serveStream(conn, h.From)
	}
}
