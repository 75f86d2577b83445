package membership

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// Store is what membership asks of the Raft store.
type Store interface {
	Bootstrap(addr string) error
	IsLeader() bool
	Leader() (serverID, addr string)
	Committed() uint64
	Servers() ([]raftstore.Server, error)
	AddNonvoter(id, addr string) error
	AddVoter(id, addr string) error
	Remove(id string) error
	Transfer(to string) error
}

// Dir is what membership asks of the data directory.
type Dir interface {
	Identity() raftstore.Identity
	Fresh() bool
	SetCluster(id string) error
	Promise() raftstore.Promise
	SetPromise(raftstore.Promise) error
}

// Gossip is what membership asks of gossip.
type Gossip interface {
	Processes() []gossip.Member
	Changed() <-chan struct{}
	Update(func(*gossip.Local))
}

// Peers is what membership asks of the peer port.
type Peers interface {
	Call(ctx context.Context, addr, want, method string, req, resp any) error
	HandleCall(method string, f peer.CallHandler)
}

// Contact is the leader's last word from a server.
type Contact struct {
	Age     time.Duration // since it came
	Applied uint64        // index that the server had applied by then
}

// Config is what membership is told.
type Config struct {
	Store  Store
	Dir    Dir
	Gossip Gossip
	Peers  Peers
	Book   *AddressBook // the transport's; kept current

	RaftAddr string // advertised host:port of the peer port
	Expect   int    // --bootstrap-expect, at least 1
	Edge     bool   // never a voter
	// Settle is how long a node with Expect 1 looks for a cluster before it founds
	// one of its own. Zero where there is nobody to join.
	Settle time.Duration

	MaxVoters     int           // 1, 3 or 5; default 5
	DeadNodeAfter time.Duration // of silence until a node is removed; default 1 h
	Interval      time.Duration // between rounds; default 500 ms

	// Contact tells what the leader last heard of a server; false where it has not
	// heard of it since it leads.
	Contact func(serverID string) (Contact, bool)
	// OnRefused is called when this process has to end: another has its name, or it
	// was removed. It may be called more than once, must not block, and must
	// not wait for Run.
	OnRefused func(error)
	Logger    *slog.Logger // discarded when nil
}

func (c *Config) setDefaults() {
	if c.MaxVoters == 0 {
		c.MaxVoters = 5
	}
	if c.DeadNodeAfter == 0 {
		c.DeadNodeAfter = time.Hour
	}
	if c.Interval == 0 {
		c.Interval = 500 * time.Millisecond
	}
	if c.Book == nil {
		c.Book = NewAddressBook()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

func (c *Config) validate() error {
	switch {
	case c.Store == nil || c.Dir == nil || c.Gossip == nil || c.Peers == nil:
		return errors.New("membership: store, dir, gossip and peers are needed")
	case c.Contact == nil || c.OnRefused == nil:
		return errors.New("membership: Contact and OnRefused are needed")
	case c.Expect < 1:
		return errors.New("membership: bootstrap-expect must be at least 1")
	case c.RaftAddr == "":
		return errors.New("membership: the advertised raft address is needed")
	case c.MaxVoters != 1 && c.MaxVoters != 3 && c.MaxVoters != 5:
		return errors.New("membership: max-voters must be 1, 3 or 5")
	}
	return nil
}
