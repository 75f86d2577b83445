package raftstore

import (
	"sync"

	"github.com/hashicorp/raft"
)

// Leadership says whether this node leads, and in which term it began or
// ceased to.
type Leadership struct {
	Leading bool
	Term    uint64
}

// leaderships tells of changes. The channel holds only the latest one that was
// not received: {true, 5} followed by {true, 7} means that it was lost in
// between.
type leaderships struct {
	mu      sync.Mutex
	current Leadership
	ch      chan Leadership
}

func newLeaderships() *leaderships { return &leaderships{ch: make(chan Leadership, 1)} }

// observer returns an observer of r. Raft calls its filter in the goroutine
// that changes the state, before anything else happens: a new leader's term is
// still the one that it was elected in.
func (l *leaderships) observer(r *raft.Raft) *raft.Observer {
	return raft.NewObserver(nil, false, func(o *raft.Observation) bool {
		if state, ok := o.Data.(raft.RaftState); ok {
			l.set(state == raft.Leader, r.CurrentTerm())
		}
		return false
	})
}

func (l *leaderships) set(leading bool, term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if leading == l.current.Leading {
		return // follower to candidate, or the other way round
	}
	l.current = Leadership{Leading: leading, Term: term}
	l.tell()
}

// again tells the latest once more: the replica that was told is no more.
func (l *leaderships) again() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current.Leading {
		l.tell()
	}
}

func (l *leaderships) tell() {
	select {
	case <-l.ch:
	default:
	}
	l.ch <- l.current // only senders hold the lock, so there is room
}
