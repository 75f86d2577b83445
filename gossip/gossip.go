// Package gossip knows which nodes are here. It carries each node's addresses,
// role and version over memberlist (SWIM) and tells of failures within
// seconds.
//
// It knows nothing of leases and decides nothing: it finds nodes and hints.
// It does not prove who a node is; the peer port does. Every process start is
// a member of its own under a name of its own, so that a restarted node with a
// new address is a new member at once, and Members makes one of all processes
// of a node.
package gossip

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// announceTimeout bounds the wait for one announcement to be told.
const announceTimeout = 5 * time.Second

// Gossip is this node among the others. Its methods are safe for concurrent
// use.
type Gossip struct {
	config Config
	name   string // of this process in memberlist
	addr   string // advertised ip:port
	table  *table
	warn   *limiter
	list   *memberlist.Memberlist

	mu      sync.Mutex // guards what follows; held for moments only
	meta    meta       // what this process announces
	encoded []byte     // meta, encoded: what NodeMeta hands out
	status  string
	since   time.Time

	announce chan struct{} // capacity 1: meta changed
	cancel   context.CancelFunc
	loops    sync.WaitGroup
	ending   sync.Mutex // serialises Leave and Close
	closed   bool       // guarded by ending
}

// Open binds, announces this node and begins to join; it does not wait for
// others. Close must be called.
func Open(config Config) (*Gossip, error) {
	config.setDefaults()
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("open gossip: %w", err)
	}
	g := &Gossip{
		config: config, name: processName(config.Local.Node),
		table: newTable(), warn: newLimiter(), announce: make(chan struct{}, 1),
		meta:   meta{Local: config.Local, Started: time.Now().UnixMilli()},
		status: StatusAlive, since: time.Now(),
	}
	var err error
	if g.encoded, err = g.meta.encode(); err != nil {
		return nil, fmt.Errorf("open gossip: %w", err)
	}
	if err := g.create(); err != nil {
		return nil, fmt.Errorf("open gossip: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g.cancel = cancel
	j := g.joiner()
	g.loops.Go(func() { j.run(ctx) })
	g.loops.Go(func() { g.announcements(ctx) })
	g.loops.Go(func() { g.watch(ctx) })
	return g, nil
}

// processName is unique for each start of a node.
func processName(node string) string {
	var random [8]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	return node + "~" + hex.EncodeToString(random[:])
}

// create binds and starts memberlist.
func (g *Gossip) create() error {
	d := &delegate{self: g.name, local: g.encodedMeta, table: g.table, logger: g.config.Logger, warn: g.warn}
	mc := memberlistConfig(g.name, &g.config)
	mc.Delegate, mc.Events, mc.Alive = d, d, d
	mc.Logger = newBridge(g.config.Logger, d.suspected)
	if g.config.Transport == nil {
		if err := g.bind(mc); err != nil {
			return err
		}
	}
	list, err := memberlist.Create(mc)
	if err != nil {
		return err
	}
	g.list = list
	n := list.LocalNode()
	g.addr = net.JoinHostPort(n.Addr.String(), strconv.Itoa(int(n.Port)))
	return nil
}

func (g *Gossip) bind(mc *memberlist.Config) error {
	ctx := context.Background()
	var err error
	if mc.BindAddr, mc.BindPort, err = bindAddr(ctx, &g.config); err != nil {
		return err
	}
	mc.AdvertiseAddr, mc.AdvertisePort, err = advertiseAddr(ctx, &g.config, mc.BindPort)
	return err
}

func (g *Gossip) joiner() *joiner {
	return &joiner{
		addrs: g.config.Join, resolver: g.config.Resolver, self: g.addr,
		table: g.table, join: g.list.Join, warn: g.warn, config: &g.config,
	}
}

// Addr returns the advertised ip:port.
func (g *Gossip) Addr() string { return g.addr }

// Members returns one Member for each node id, sorted by it, this node among
// them. Of several processes of a node the newest live one is shown. Nodes
// that died or left are remembered for 24 h.
func (g *Gossip) Members() []Member {
	self := g.self()
	members := g.table.members()
	for i := range members {
		if members[i].Node == self.Node {
			members[i] = self
			return members
		}
	}
	i := 0
	for i < len(members) && members[i].Node < self.Node {
		i++
	}
	return append(members[:i], append([]Member{self}, members[i:]...)...)
}

func (g *Gossip) self() Member {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Member{
		Local: g.meta.Local, GossipAddr: g.addr, Status: g.status,
		Started: g.meta.Started, Self: true, Since: g.since,
	}
}

// Changed is readable when Members may have changed since it was last read.
func (g *Gossip) Changed() <-chan struct{} { return g.table.changed }

// Update changes what this node tells of itself and announces it in the
// background. A change that does not fit into MaxMeta is refused with an
// error in the log; the node id cannot change.
func (g *Gossip) Update(change func(*Local)) {
	if err := g.revise(func(m *meta) {
		node := m.Node
		change(&m.Local)
		m.Node = node
	}); err != nil {
		g.config.Logger.Error("announce this node", "error", err)
		return
	}
	g.table.signal()
	select {
	case g.announce <- struct{}{}:
	default:
	}
}

func (g *Gossip) revise(change func(*meta)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	revised := g.meta
	change(&revised)
	encoded, err := revised.encode()
	if err != nil {
		return err
	}
	g.meta, g.encoded = revised, encoded
	return nil
}

func (g *Gossip) encodedMeta() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.encoded
}

// announcements tells the others of each change, one at a time.
func (g *Gossip) announcements(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.announce:
		}
		if err := g.list.UpdateNode(announceTimeout); err != nil {
			g.config.Logger.Warn("announce this node", "error", err)
		}
	}
}
