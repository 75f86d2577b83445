package gossip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

const packetQueue = 1024

var (
	errRefused = errors.New("connection refused")
	errDown    = errors.New("transport is shut down")
)

// MemoryTransport is one host of a Memory. It implements
// memberlist.NodeAwareTransport.
type MemoryTransport struct {
	network *Memory
	addr    netip.AddrPort
	packets chan *memberlist.Packet
	streams chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

var _ memberlist.NodeAwareTransport = (*MemoryTransport)(nil)

// FinalAdvertiseAddr implements memberlist.Transport.
func (t *MemoryTransport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return t.addr.Addr().AsSlice(), int(t.addr.Port()), nil
}

// WriteTo implements memberlist.Transport. Like UDP it never blocks and loses
// what cannot be delivered.
func (t *MemoryTransport) WriteTo(b []byte, addr string) (time.Time, error) {
	now := time.Now()
	to, open := t.network.route(t.addr.String(), addr)
	if to == nil || !open || t.isClosed() || t.network.loses(t.addr.String(), addr) {
		return now, nil
	}
	p := &memberlist.Packet{Buf: append([]byte(nil), b...), From: net.UDPAddrFromAddrPort(t.addr), Timestamp: now}
	select {
	case to.packets <- p:
	default:
	}
	return now, nil
}

// WriteToAddress implements memberlist.NodeAwareTransport.
func (t *MemoryTransport) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return t.WriteTo(b, a.Addr)
}

// DialTimeout implements memberlist.Transport.
func (t *MemoryTransport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	to, open := t.network.route(t.addr.String(), addr)
	_, back := t.network.route(addr, t.addr.String())
	open = open && back
	if to == nil && open {
		return nil, t.dialError(addr, errRefused)
	}
	if !open {
		select {
		case <-timer.C:
			return nil, t.dialError(addr, fmt.Errorf("no answer in %v", timeout))
		case <-t.closed:
			return nil, t.dialError(addr, errDown)
		}
	}
	dialled, accepted := t.network.connect(t.addr.String(), addr)
	dialled.SetDeadline(time.Now().Add(timeout)) // until memberlist sets its own
	var err error
	select {
	case to.streams <- accepted:
		return dialled, nil
	case <-to.closed:
		err = errRefused
	case <-t.closed:
		err = errDown
	case <-timer.C:
		err = fmt.Errorf("no answer in %v", timeout)
	}
	dialled.Close()
	accepted.Close()
	return nil, t.dialError(addr, err)
}

// DialAddressTimeout implements memberlist.NodeAwareTransport.
func (t *MemoryTransport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(a.Addr, timeout)
}

func (t *MemoryTransport) dialError(addr string, err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: memoryAddr(addr), Err: err}
}

// PacketCh implements memberlist.Transport.
func (t *MemoryTransport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// StreamCh implements memberlist.Transport.
func (t *MemoryTransport) StreamCh() <-chan net.Conn { return t.streams }

// Shutdown implements memberlist.Transport: the host vanishes without a word.
func (t *MemoryTransport) Shutdown() error {
	t.once.Do(func() {
		close(t.closed)
		t.network.remove(t)
	})
	return nil
}

func (t *MemoryTransport) isClosed() bool {
	select {
	case <-t.closed:
		return true
	default:
		return false
	}
}
