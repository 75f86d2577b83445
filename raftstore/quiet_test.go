package raftstore

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// sentPipeline notes when it was sent what.
type sentPipeline struct {
	raft.AppendPipeline
	sent []time.Time
}

func (p *sentPipeline) AppendEntries(*raft.AppendEntriesRequest, *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	p.sent = append(p.sent, time.Now())
	return nil, nil
}

// TestOnlyNewsIsSentAtOnce: entries and a new commit index do not wait, what is
// known waits for news, or quietFor.
func TestOnlyNewsIsSentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, to := new(news), new(sentPipeline)
		p := &quietPipeline{AppendPipeline: to, news: n}
		send := func(commit uint64, entries int, want time.Duration) {
			t.Helper()
			began := time.Now()
			if _, err := p.AppendEntries(&raft.AppendEntriesRequest{LeaderCommitIndex: commit, Entries: make([]*raft.Log, entries)}, nil); err != nil {
				t.Fatal(err)
			}
			if took := to.sent[len(to.sent)-1].Sub(began); took != want {
				t.Errorf("commit %d, %d entries: sent after %v, want %v", commit, entries, took, want)
			}
		}
		send(7, 0, 0)
		send(7, 0, quietFor)
		send(7, 1, 0)
		send(8, 0, 0)
		n.come() // long ago when somebody waits
		time.AfterFunc(10*time.Millisecond, n.come)
		send(8, 0, 10*time.Millisecond)
		send(8, 0, quietFor)
		if len(to.sent) != 6 {
			t.Errorf("%d were sent", len(to.sent))
		}
	})
}

// TestPreVotesGoThrough: Raft asks a transport whether it knows them.
func TestPreVotesGoThrough(t *testing.T) {
	_, memory := raft.NewInmemTransport("a")
	if _, ok := quieten(memory, new(news)).(raft.WithPreVote); !ok {
		t.Error("a transport with pre-votes has lost them")
	}
	type bare struct{ raft.Transport }
	if _, ok := quieten(bare{memory}, new(news)).(raft.WithPreVote); ok {
		t.Error("a transport without pre-votes has got them")
	}
}
