package peer

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// raftLayer is the raft.StreamLayer of a port.
type raftLayer struct {
	port     *Port
	conns    connSet // what DropRaft closes
	accepted chan net.Conn
	closed   chan struct{}
	close    sync.Once
	used     chan struct{} // closed when somebody asked for the layer
	use      sync.Once
}

func newRaftLayer(p *Port) *raftLayer {
	return &raftLayer{port: p, accepted: make(chan net.Conn), closed: make(chan struct{}), used: make(chan struct{})}
}

// RaftLayer is what raft.NewNetworkTransport needs. The addresses that it dials
// have the form of RaftAddress, and whoever is found there under another server
// id is refused. Its Close closes Raft's connections and leaves the port open.
// Raft's connections are refused until it was called for the first time.
func (p *Port) RaftLayer() raft.StreamLayer {
	p.raft.use.Do(func() { close(p.raft.used) })
	return p.raft
}

// DropRaft closes Raft's connections and refuses further ones, both ways, until
// it is called with false: a leader whose disk hangs must lose its followers.
func (p *Port) DropRaft(on bool) { p.raft.conns.refuse(on) }

// Accept waits for the next connection.
func (l *raftLayer) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.closed:
		return nil, ErrClosed
	}
}

// Close ends Accept and closes all connections of Raft.
func (l *raftLayer) Close() error {
	l.close.Do(func() { close(l.closed) })
	l.conns.refuse(true)
	return nil
}

// Addr is this node's own address in the form of RaftAddress.
func (l *raftLayer) Addr() net.Addr {
	return raftAddr(RaftAddress(l.port.identity().ServerID(), l.port.advertise))
}

// Dial connects to an address in the form of RaftAddress.
func (l *raftLayer) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	want, addr, ok := SplitRaftAddress(string(address))
	if !ok {
		return nil, fmt.Errorf("raft address %q does not name a server", address)
	}
	if err := l.unwilling(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, _, err := l.port.dial(ctx, kindRaft, addr, want)
	if err != nil {
		return nil, err
	}
	owned, ok := l.conns.add(conn)
	if !ok {
		return nil, ErrRaftDropped
	}
	return raftConn{owned}, nil
}

// raftConn is a connection that Raft has dialled. A failed write ends it, and the
// read of the answer says so: where the write of a pipeline fails Raft logs the
// peer without the lock under which the peer's address is changed (raft 1.8.0,
// replication.go:521), and where the answer fails it does not.
type raftConn struct{ net.Conn }

func (c raftConn) Write(b []byte) (int, error) {
	if _, err := c.Conn.Write(b); err != nil {
		_ = c.Close()
	}
	return len(b), nil
}

// unwilling says why the layer makes and takes no connections now.
func (l *raftLayer) unwilling() error {
	select {
	case <-l.closed:
		return ErrClosed
	default:
	}
	if l.conns.refuses() {
		return ErrRaftDropped
	}
	return nil
}

// objection is unwilling in words for the other side.
func (l *raftLayer) objection() string {
	select {
	case <-l.used:
	default:
		return "raft does not run on this node yet"
	}
	if err := l.unwilling(); err != nil {
		return err.Error()
	}
	return ""
}

// deliver hands an accepted connection to Accept, or closes it.
func (l *raftLayer) deliver(conn net.Conn) {
	owned, ok := l.conns.add(conn)
	if !ok {
		return
	}
	timer := time.NewTimer(helloTimeout)
	defer timer.Stop()
	select {
	case l.accepted <- owned:
		return
	case <-l.closed:
	case <-timer.C:
	}
	_ = owned.Close()
}

// raftAddr is a net.Addr of the form of RaftAddress.
type raftAddr string

// Network names the kind of address.
func (raftAddr) Network() string { return "rollcall" }

func (a raftAddr) String() string { return string(a) }
