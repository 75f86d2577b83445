package peer

import (
	"context"
	"net"
	"time"
)

// Network makes connections. It is the seam for TLS, which wraps another
// Network's connections, and for tests, which use Memory.
type Network interface {
	// Listen binds addr, host:port.
	Listen(addr string) (net.Listener, error)
	// Dial connects to addr, resolving its host anew. It gives up when ctx ends.
	Dial(ctx context.Context, addr string) (net.Conn, error)
}

// TCP is the Network of plain TCP. Go sets TCP_NODELAY by itself; a peer whose
// host vanished without a word is noticed after about 20 s of silence.
type TCP struct{}

var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3}

// Listen binds addr.
func (TCP) Listen(addr string) (net.Listener, error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive}
	return config.Listen(context.Background(), "tcp", addr)
}

// Dial connects to addr.
func (TCP) Dial(ctx context.Context, addr string) (net.Conn, error) {
	dialer := net.Dialer{KeepAliveConfig: keepAlive}
	return dialer.DialContext(ctx, "tcp", addr)
}
