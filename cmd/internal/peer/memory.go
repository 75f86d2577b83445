package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
)

// Memory is a network within one process, for tests. All that waits in it waits
// on channels and timers, so that a testing/synctest bubble sees through it.
// What is cut is a black hole, as in a real partition: dialling waits until its
// context ends, and what was written arrives once the cut has healed.
type Memory struct {
	mu        sync.Mutex
	listeners map[string]*memoryListener // by host:port
	links     map[*memoryLink]struct{}   // open connections
	cuts      map[way]bool
	healed    chan struct{} // closed and replaced with every Heal
	ports     int           // last port given for port 0
}

// way is a direction between two hosts.
type way struct{ from, to string }

// memoryLink is one open connection and the hosts at its ends.
type memoryLink struct {
	dialler, acceptor string
	there, back       *pipe // what the dialler and the acceptor write
	ends              int   // that are open
}

// NewMemory returns a network without hosts.
func NewMemory() *Memory {
	return &Memory{
		listeners: make(map[string]*memoryListener),
		links:     make(map[*memoryLink]struct{}),
		cuts:      make(map[way]bool),
		healed:    make(chan struct{}),
		ports:     40000,
	}
}

// Host returns the network as the host of that name sees it. It listens on its
// own name only; a node with a changed address is a new host.
func (m *Memory) Host(name string) Network { return memoryHost{m, name} }

// Cut stops everything between two hosts.
func (m *Memory) Cut(a, b string) {
	m.CutOneWay(a, b)
	m.CutOneWay(b, a)
}

// CutOneWay stops what from sends to to, and new connections between them.
func (m *Memory) CutOneWay(from, to string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cuts[way{from, to}] = true
	m.holdLinks()
}

// Heal undoes the cuts between two hosts.
func (m *Memory) Heal(a, b string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.cuts, way{a, b})
	delete(m.cuts, way{b, a})
	m.holdLinks()
	close(m.healed)
	m.healed = make(chan struct{})
}

// Reset breaks the open connections between two hosts.
func (m *Memory) Reset(a, b string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for link := range m.links {
		if link.joins(a, b) {
			link.there.close(errMemoryReset)
			link.back.close(errMemoryReset)
		}
	}
}

var (
	errMemoryReset   = errors.New("connection reset by peer")
	errMemoryRefused = errors.New("connection refused")
	errMemoryInUse   = errors.New("address already in use")
)

func (l *memoryLink) joins(a, b string) bool {
	return l.dialler == a && l.acceptor == b || l.dialler == b && l.acceptor == a
}

// holdLinks lets data flow in just those directions that are not cut. The lock
// must be held.
func (m *Memory) holdLinks() {
	for link := range m.links {
		link.there.hold(m.cuts[way{link.dialler, link.acceptor}])
		link.back.hold(m.cuts[way{link.acceptor, link.dialler}])
	}
}

// leave notes that one end of a connection was closed. What it wrote is still on
// its way until the other end is closed, too.
func (m *Memory) leave(link *memoryLink) {
	m.mu.Lock()
	defer m.mu.Unlock()
	link.ends--
	if link.ends == 0 {
		delete(m.links, link)
	}
}

// reachable waits until a and b can exchange packets.
func (m *Memory) reachable(ctx context.Context, a, b string) error {
	for {
		m.mu.Lock()
		cut, healed := m.cuts[way{a, b}] || m.cuts[way{b, a}], m.healed
		m.mu.Unlock()
		if !cut {
			return nil
		}
		select {
		case <-healed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// connect makes both ends of a connection and queues one at the listener.
func (m *Memory) connect(from, addr string) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	listener := m.listeners[addr]
	if listener == nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, errMemoryRefused)
	}
	link := &memoryLink{dialler: from, acceptor: listener.host, there: &pipe{}, back: &pipe{}, ends: 2}
	near, far := newMemoryConns(m, link, memoryAddr(from+":0"), memoryAddr(addr))
	select {
	case listener.backlog <- far:
	default:
		return nil, fmt.Errorf("connect to %s: %w", addr, errMemoryRefused)
	}
	m.links[link] = struct{}{}
	m.holdLinks()
	return near, nil
}

// memoryHost is a Memory seen by one host.
type memoryHost struct {
	memory *Memory
	name   string
}

// Dial connects to host:port of another host.
func (h memoryHost) Dial(ctx context.Context, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if err := h.memory.reachable(ctx, h.name, host); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	return h.memory.connect(h.name, addr)
}

// Listen binds the port of addr on this host; the host in addr is not looked at.
func (h memoryHost) Listen(addr string) (net.Listener, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	m := h.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if port == "0" {
		m.ports++
		port = strconv.Itoa(m.ports)
	}
	bound := net.JoinHostPort(h.name, port)
	if m.listeners[bound] != nil {
		return nil, fmt.Errorf("listen on %s: %w", bound, errMemoryInUse)
	}
	l := newMemoryListener(m, h.name, bound)
	m.listeners[bound] = l
	return l, nil
}
