package node

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Bounds of a try to replicate that waits for its peer.
const (
	replicationWait = time.Minute // a peer that was removed is given up after that
	replicationLook = 100 * time.Millisecond
)

// replication is Raft's transport, and makes up for its patience: where a peer
// is away, Raft waits between two tries to replicate to it, twice as long after
// each, up to 10 s, and nothing cuts that short. A peer that is back would for
// so long not count for any majority. So a try that fails does not fail at
// once: it is made again as soon as the peer answers a heartbeat, for which
// Raft never waits long.
type replication struct {
	*raft.NetworkTransport
	leads func(term uint64) bool // whether this node does, in that term

	mu       sync.Mutex                      // guards what follows
	answered map[raft.ServerID]chan struct{} // closed at the next answer to a heartbeat
}

func newReplication(t *raft.NetworkTransport, leads func(term uint64) bool) *replication {
	return &replication{NetworkTransport: t, leads: leads, answered: make(map[raft.ServerID]chan struct{})}
}

// AppendEntries sends a heartbeat as it is, and entries once more where the
// first try fails and the peer then answers a heartbeat.
func (r *replication) AppendEntries(id raft.ServerID, at raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	err := r.NetworkTransport.AppendEntries(id, at, args, resp)
	if isHeartbeat(args) {
		if err == nil {
			r.heard(id)
		}
		return err
	}
	if err == nil || !r.awaitHeartbeat(id, args.Term) {
		return err
	}
	return r.NetworkTransport.AppendEntries(id, at, args, resp)
}

// isHeartbeat tells what Raft sends to be heard from what it sends to be stored.
func isHeartbeat(args *raft.AppendEntriesRequest) bool {
	return len(args.Entries) == 0 && args.PrevLogEntry == 0 && args.PrevLogTerm == 0 && args.LeaderCommitIndex == 0
}

// heard wakes who waits for a peer.
func (r *replication) heard(id raft.ServerID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if answered, ok := r.answered[id]; ok {
		close(answered)
		delete(r.answered, id)
	}
}

// next is closed when the peer answers a heartbeat.
func (r *replication) next(id raft.ServerID) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answered[id] == nil {
		r.answered[id] = make(chan struct{})
	}
	return r.answered[id]
}

// awaitHeartbeat waits until the peer answers one; false where it takes too
// long, or this node does not lead any more.
func (r *replication) awaitHeartbeat(id raft.ServerID, term uint64) bool {
	answered := r.next(id)
	tick := time.NewTicker(replicationLook)
	defer tick.Stop()
	for began := time.Now(); r.leads(term) && time.Since(began) < replicationWait; {
		select {
		case <-answered:
			return true
		case <-tick.C:
		}
	}
	r.heard(id) // nobody waits for it any more
	return false
}
