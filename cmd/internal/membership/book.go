package membership

import (
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// AddressBook tells Raft's transport where a server is now: a restarted node is
// dialled at its new address before Raft's configuration has caught up, and must
// be, for the leader that would change the configuration may not exist yet. It
// implements raft.ServerAddressProvider and is asked at every call of Raft.
type AddressBook struct {
	addrs atomic.Pointer[map[string]string] // by server id; replaced, never changed
}

// NewAddressBook returns an empty book.
func NewAddressBook() *AddressBook {
	b := &AddressBook{}
	b.addrs.Store(&map[string]string{})
	return b
}

// ServerAddr returns the address in the form that the port's Raft layer dials.
func (b *AddressBook) ServerAddr(id raft.ServerID) (raft.ServerAddress, error) {
	addr, ok := b.Addr(string(id))
	if !ok {
		return "", fmt.Errorf("no address of server %s is known yet", id)
	}
	return raft.ServerAddress(peer.RaftAddress(string(id), addr)), nil
}

// Addr returns the plain host:port of a server's peer port.
func (b *AddressBook) Addr(serverID string) (addr string, ok bool) {
	addr, ok = (*b.addrs.Load())[serverID]
	return addr, ok
}

// Refresh fills the book anew: with what gossip knows, else with what Raft's
// configuration says.
func (b *AddressBook) Refresh(processes []gossip.Member, servers []raftstore.Server) {
	addrs := make(map[string]string, len(processes)+len(servers))
	for _, s := range servers {
		addrs[s.ID] = s.Addr
	}
	for id, p := range speakers(processes, serverID) {
		if p.RaftAddr != "" {
			addrs[id] = p.RaftAddr
		}
	}
	b.addrs.Store(&addrs)
}
