package main

import (
	"context"
	"net"
)

// boundConn is a connection that is closed when its context ends, so that
// nobody waits for a server that stopped answering.
type boundConn struct {
	net.Conn
	release func() bool
}

func dial(ctx context.Context, host string) (net.Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &boundConn{nc, context.AfterFunc(ctx, func() { nc.Close() })}, nil
}

func (c *boundConn) Close() error {
	c.release()
	return c.Conn.Close()
}
