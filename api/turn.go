package api

import (
	"context"
	"sync"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// turn keeps the commands of a session in the order of their frames, though
// each request has a goroutine: a client that sends two messages without
// waiting wants them in the mailbox as it sent them.
type turn struct {
	before <-chan struct{} // closed when it is this one's turn; nil for the first
	passed chan struct{}   // closed by pass
	once   sync.Once
}

// nextTurn returns the turn after a turn's, which is nil before the first.
func nextTurn(last *turn) *turn {
	t := &turn{passed: make(chan struct{})}
	if last != nil {
		t.before = last.passed
	}
	return t
}

func (t *turn) await() {
	if t.before != nil {
		<-t.before
	}
}

// pass lets the next one begin; it may be called again.
func (t *turn) pass() { t.once.Do(func() { close(t.passed) }) }

// end passes for a request that is over, perhaps before its turn came.
func (t *turn) end() {
	t.await()
	t.pass()
}

// turnKey is under what a context has a turn.
type turnKey struct{}

// do commits a command, in its turn where the context has one.
func (s *Server) do(ctx context.Context, cmd registry.Command) (registry.Result, error) {
	t, ok := ctx.Value(turnKey{}).(*turn)
	if !ok {
		return s.node.Do(ctx, cmd, func() {})
	}
	t.await()
	return s.node.Do(ctx, cmd, t.pass)
}
