package raftstore

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// quietFor is after how long a follower is told again what it knows.
const quietFor = 40 * time.Millisecond

// quietTransport makes Raft tell its followers only news. Raft tells each of
// them every commitTimeout how far it may apply, or, with nothing new, the same
// again: 150 messages a second, which cost a cluster at rest a fifth of a core.
// Here such a message waits until something is logged or applied, or quietFor.
// It is not dropped, nor answered in the follower's place: from its answers a
// leader knows that it still leads.
type quietTransport struct {
	raft.Transport
	news *news
}

// quietPreVote is a quietTransport of one that knows pre-votes, which Raft asks
// for by a type assertion.
type quietPreVote struct {
	quietTransport
	raft.WithPreVote
}

func quieten(t raft.Transport, n *news) raft.Transport {
	quiet := quietTransport{t, n}
	if votes, ok := t.(raft.WithPreVote); ok {
		return &quietPreVote{quiet, votes}
	}
	return &quiet
}

// Close closes the transport, as Raft does when it ends.
func (t *quietTransport) Close() error {
	if c, ok := t.Transport.(raft.WithClose); ok {
		return c.Close()
	}
	return nil
}

// AppendEntriesPipeline returns a quiet pipeline.
func (t *quietTransport) AppendEntriesPipeline(id raft.ServerID, target raft.ServerAddress) (raft.AppendPipeline, error) {
	p, err := t.Transport.AppendEntriesPipeline(id, target)
	if err != nil {
		return nil, err
	}
	return &quietPipeline{AppendPipeline: p, news: t.news}, nil
}

// quietPipeline belongs to the goroutine of Raft that sends to one follower.
type quietPipeline struct {
	raft.AppendPipeline
	news *news
	told uint64 // the commit index that was sent last
}

// AppendEntries sends a request, later where it says nothing new.
func (p *quietPipeline) AppendEntries(args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	if len(args.Entries) == 0 && args.LeaderCommitIndex == p.told {
		p.news.wait(quietFor)
	}
	p.told = args.LeaderCommitIndex
	return p.AppendPipeline.AppendEntries(args, resp)
}

// news wakes those who wait for something to tell.
type news struct {
	mu   sync.Mutex
	next chan struct{} // closed by the next; nil: nobody waits
}

func (n *news) wait(most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-n.await():
	case <-timer.C:
	}
}

func (n *news) await() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == nil {
		n.next = make(chan struct{})
	}
	return n.next
}

func (n *news) come() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != nil {
		close(n.next)
		n.next = nil
	}
}
