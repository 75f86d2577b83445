package raftstore

import (
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// changeTimeout bounds how long a change of the configuration may wait for the
// one before it.
const changeTimeout = 5 * time.Second

// Server is one member of Raft's configuration.
type Server struct {
	ID, Addr string
	Voter    bool
}

// Servers returns the latest configuration, committed or not.
func (s *Store) Servers() ([]Server, error) {
	f := s.raft.GetConfiguration()
	if err := f.Error(); err != nil {
		return nil, fmt.Errorf("read raft configuration: %w", err)
	}
	return serversOf(f.Configuration()), nil
}

func serversOf(c raft.Configuration) (list []Server) {
	for _, m := range c.Servers {
		list = append(list, Server{ID: string(m.ID), Addr: string(m.Address), Voter: m.Suffrage == raft.Voter})
	}
	return list
}

// Bootstrap founds a cluster of which this node, reachable at addr, is the
// only voter. It is an error on a node that has any Raft state.
func (s *Store) Bootstrap(addr string) error {
	f := s.raft.BootstrapCluster(raft.Configuration{Servers: []raft.Server{{
		ID: raft.ServerID(s.cfg.Dir.Identity().ServerID()), Address: raft.ServerAddress(addr),
	}}})
	return s.await("bootstrap", f)
}

// AddNonvoter adds a member without a vote, or changes its address. Only the
// leader can, here as below.
func (s *Store) AddNonvoter(id, addr string) error {
	return s.await("add non-voter", s.raft.AddNonvoter(raft.ServerID(id), raft.ServerAddress(addr), 0, changeTimeout))
}

// AddVoter adds a member with a vote, promotes one, or changes its address.
func (s *Store) AddVoter(id, addr string) error {
	return s.await("add voter", s.raft.AddVoter(raft.ServerID(id), raft.ServerAddress(addr), 0, changeTimeout))
}

// Remove removes a member.
func (s *Store) Remove(id string) error {
	return s.await("remove server", s.raft.RemoveServer(raft.ServerID(id), 0, changeTimeout))
}

// Transfer hands leadership over to that server, "" for the one that is most
// up to date. It returns when this node leads no longer.
func (s *Store) Transfer(to string) error {
	if to == "" {
		return s.await("transfer leadership", s.raft.LeadershipTransfer())
	}
	servers, err := s.Servers()
	if err != nil {
		return err
	}
	for _, m := range servers {
		if m.ID == to {
			f := s.raft.LeadershipTransferToServer(raft.ServerID(m.ID), raft.ServerAddress(m.Addr))
			return s.await("transfer leadership", f)
		}
	}
	return fmt.Errorf("transfer leadership: no server %s in the configuration", to)
}

// await waits for Raft's answer, or for the end of the store: Raft leaves some
// futures unanswered when it stops.
func (s *Store) await(what string, f raft.Future) error {
	answer := make(chan error, 1)
	go func() { answer <- f.Error() }()
	select {
	case err := <-answer:
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	case <-s.gone:
		return fmt.Errorf("%s: %w", what, ErrClosed)
	}
}
