package node

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/raftstore"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// ownLog is the leader's sink: each batch becomes one entry of the Raft log,
// stamped with the wall clock and with the lease clock's advance since the
// entry before it.
type ownLog struct {
	node  string
	store *raftstore.Store

	mu   sync.Mutex // orders stamps as the log orders entries
	last registry.LeaseTime
}

func newOwnLog(node string, store *raftstore.Store) *ownLog {
	l := &ownLog{node: node, store: store}
	l.last = l.clock()
	return l
}

func (l *ownLog) clock() (now registry.LeaseTime) {
	l.store.View(func(r *registry.Replica, mono time.Duration) { now = r.Clock(mono) })
	return now
}

// Send proposes a batch and calls done when it is committed and applied here,
// or has failed.
func (l *ownLog) Send(b *collector.Batch, done func([]registry.Result, collector.Commit, error)) {
	proposal := l.propose(b.Commands)
	go func() {
		outcome, err := proposal.Wait()
		if err != nil {
			done(nil, collector.Commit{}, unsent(err))
			return
		}
		done(outcome.Results, collector.Commit{Index: outcome.Index, Revision: outcome.Revision}, nil)
	}()
}

func (l *ownLog) propose(commands []registry.Command) *raftstore.Proposal {
	now := l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	e := registry.Entry{Wall: time.Now().UnixMilli(), Proposer: l.node, Commands: commands}
	if now > l.last {
		e.Advance = uint32(min(now-l.last, 1<<31))
		l.last = now
	}
	return l.store.Propose(e.Append(nil))
}

// unsent maps the store's errors to the collector's: what was definitely not
// proposed may be sent again to the next leader.
func unsent(err error) error {
	if errors.Is(err, raftstore.ErrNotLeader) {
		return fmt.Errorf("%w: %w", collector.ErrNotSent, err)
	}
	return fmt.Errorf("%w: %w", collector.ErrNoLeader, err)
}
