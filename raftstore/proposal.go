package raftstore

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// The errors of a Proposal.
var (
	// ErrNotLeader is returned when an entry was definitely not proposed: it
	// is in nobody's log and never will be.
	ErrNotLeader = errors.New("this node does not lead")
	// ErrIndeterminate is returned when an entry may or may not be committed,
	// now or later.
	ErrIndeterminate = errors.New("the fate of the entry is not known")
	// ErrClosed is returned by a Store that was closed.
	ErrClosed = errors.New("store is closed")
)

// Proposal is an entry on its way through Raft.
type Proposal struct {
	future  raft.ApplyFuture
	done    chan struct{}
	gone    <-chan struct{} // closed when the store is
	outcome registry.Outcome
	err     error
}

// Wait returns what the entry did, as soon as it was applied on this node:
// then it is on the disks of a majority. The error is ErrNotLeader or
// ErrIndeterminate, each wrapped around its cause.
func (p *Proposal) Wait() (registry.Outcome, error) {
	select {
	case <-p.done:
		return p.outcome, p.err
	case <-p.gone:
	}
	select {
	case <-p.done:
		return p.outcome, p.err
	default:
		return registry.Outcome{}, fmt.Errorf("%w: %w", ErrIndeterminate, ErrClosed)
	}
}

// Done is closed when Wait returns at once, unless the store is closed before.
func (p *Proposal) Done() <-chan struct{} { return p.done }

// settle waits for Raft's answer.
func (p *Proposal) settle() {
	defer close(p.done)
	if err := p.future.Error(); err != nil {
		p.err = proposalError(err)
		return
	}
	switch r := p.future.Response().(type) {
	case *registry.Outcome:
		p.outcome = *r
	case *RefusedError:
		p.err = r
	case error:
		p.err = fmt.Errorf("%w: %w", ErrIndeterminate, r)
	}
}

// proposalError sorts the errors of hashicorp/raft 1.8. Definite are those
// with which it answers an entry that it has not handed to its log: by a node
// that is no leader or steps down after its own removal (ErrNotLeader), while
// leadership is handed over, and those with which Raft.ApplyLog returns before
// the entry is queued. (ErrRaftShutdown is not among them: an entry that was
// committed but not applied gets it too.) ErrLeadershipLost, ErrAbortedByRestore and
// errors of the log store come after the entry was, or may have been, stored.
func proposalError(err error) error {
	for _, definite := range []error{raft.ErrNotLeader, raft.ErrLeadershipTransferInProgress, raft.ErrEnqueueTimeout} {
		if errors.Is(err, definite) {
			return fmt.Errorf("%w: %w", ErrNotLeader, err)
		}
	}
	return fmt.Errorf("%w: %w", ErrIndeterminate, err)
}

// proposals counts what is on its way, so that a Store can let it end before
// it stops Raft: Raft leaves what it has not taken up unanswered for ever.
type proposals struct {
	mu      sync.Mutex
	closing bool
	count   int
	none    chan struct{} // closed when closing and count is 0
}

func newProposals() *proposals { return &proposals{none: make(chan struct{})} }

// begin says whether one more may start.
func (p *proposals) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return false
	}
	p.count++
	return true
}

// any says whether some are on their way. An entry that is applied while none
// is was not proposed here, or nobody waits for it.
func (p *proposals) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count > 0
}

func (p *proposals) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count--
	p.settle()
}

func (p *proposals) settle() {
	if p.closing && p.count == 0 {
		close(p.none)
	}
}

// stop lets none start any more and waits for the others, at most that long.
func (p *proposals) stop(most time.Duration) {
	p.mu.Lock()
	if !p.closing {
		p.closing = true
		p.settle()
	}
	p.mu.Unlock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-p.none:
	case <-timer.C:
	}
}
