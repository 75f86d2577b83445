package gossip

import (
	"net"
	"net/netip"
	"sync"

	"github.com/hashicorp/memberlist"
)

// Memory is a network in memory, for tests: nothing in it waits except on
// channels and timers, so it runs inside a testing/synctest bubble (where
// memberlist's own mock, which blocks a packet's sender, comes to a stop).
type Memory struct {
	mu    sync.Mutex
	hosts map[string]*MemoryTransport
	cut   map[[2]string]bool
	lose  func(from, to string) bool // nil: no packet is lost
	conns map[*memoryConn]struct{}
}

// NewMemory returns an empty network.
func NewMemory() *Memory {
	return &Memory{
		hosts: make(map[string]*MemoryTransport),
		cut:   make(map[[2]string]bool),
		conns: make(map[*memoryConn]struct{}),
	}
}

// Transport puts a host on the network at addr ("10.0.0.1:7702"; memberlist
// wants IP addresses). A host that was shut down may come back at its address.
func (m *Memory) Transport(addr string) *MemoryTransport {
	at := netip.MustParseAddrPort(addr)
	t := &MemoryTransport{
		network: m, addr: at,
		packets: make(chan *memberlist.Packet, packetQueue),
		streams: make(chan net.Conn),
		closed:  make(chan struct{}),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hosts[addr] = t
	return t
}

// Cut stops all traffic between two addresses, both ways: packets vanish, open
// streams break, and dialling runs into its time-out.
func (m *Memory) Cut(a, b string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut[[2]string{a, b}], m.cut[[2]string{b, a}] = true, true
	for c := range m.conns {
		if c.between(a, b) {
			c.abort()
		}
	}
}

// CutOneWay lets the packets of one address to another vanish; streams between
// them break, and none is made.
func (m *Memory) CutOneWay(from, to string) {
	m.Cut(from, to)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.cut, [2]string{to, from})
}

// Lose asks f of every packet whether it is lost; nil ends that. Streams lose
// nothing.
func (m *Memory) Lose(f func(from, to string) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lose = f
}

// Heal undoes Cut.
func (m *Memory) Heal(a, b string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.cut, [2]string{a, b})
	delete(m.cut, [2]string{b, a})
}

// Split cuts every address of one side off every address of the other.
func (m *Memory) Split(one, other []string) {
	for _, a := range one {
		for _, b := range other {
			m.Cut(a, b)
		}
	}
}

// HealAll undoes every Cut.
func (m *Memory) HealAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.cut)
}

// route returns the host at to, nil where nobody listens, and whether the way
// is open.
func (m *Memory) route(from, to string) (host *MemoryTransport, open bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hosts[to], !m.cut[[2]string{from, to}]
}

// loses says whether a packet is lost on its way.
func (m *Memory) loses(from, to string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lose != nil && m.lose(from, to)
}

func (m *Memory) remove(t *MemoryTransport) {
	m.mu.Lock()
	defer m.mu.Unlock()
	addr := t.addr.String()
	if m.hosts[addr] == t {
		delete(m.hosts, addr)
	}
	for c := range m.conns {
		if c.local == addr || c.remote == addr {
			c.abort()
		}
	}
}

// connect makes the two ends of a stream.
func (m *Memory) connect(from, to string) (dialled, accepted *memoryConn) {
	a, b := net.Pipe()
	dialled = &memoryConn{Conn: a, network: m, local: from, remote: to}
	accepted = &memoryConn{Conn: b, network: m, local: to, remote: from}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conns[dialled], m.conns[accepted] = struct{}{}, struct{}{}
	return dialled, accepted
}

// memoryConn is one end of a stream.
type memoryConn struct {
	net.Conn
	network       *Memory
	local, remote string
}

// Close implements net.Conn.
func (c *memoryConn) Close() error {
	c.network.mu.Lock()
	delete(c.network.conns, c)
	c.network.mu.Unlock()
	return c.Conn.Close()
}

// LocalAddr implements net.Conn.
func (c *memoryConn) LocalAddr() net.Addr { return memoryAddr(c.local) }

// RemoteAddr implements net.Conn.
func (c *memoryConn) RemoteAddr() net.Addr { return memoryAddr(c.remote) }

func (c *memoryConn) between(a, b string) bool {
	return c.local == a && c.remote == b || c.local == b && c.remote == a
}

// abort closes the stream; the network's lock is held.
func (c *memoryConn) abort() {
	delete(c.network.conns, c)
	c.Conn.Close()
}

type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) }
