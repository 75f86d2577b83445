package clientsdk

import (
	"context"
	"errors"
	"time"
)

// ErrHealthTimeout is returned, inside an UnwellError, when Health did not
// return in time.
var ErrHealthTimeout = errors.New("the health check took too long")

// UnwellError says that a lease is not renewed because the application's own
// Health says that it is not well.
type UnwellError struct{ Err error }

func (e *UnwellError) Error() string {
	return "not renewing, the application is not well: " + e.Err.Error()
}

// Unwrap returns what Health said.
func (e *UnwellError) Unwrap() error { return e.Err }

// gate asks the application whether it is well. It never has more than one
// question open, however long the answers take.
type gate struct {
	client *Client
	check  func(context.Context) error // nil: always well
	open   chan error                  // the answer of a check that outlived its time, nil for none
}

// ask returns nil when the application is well. A check that ignores its
// context counts as unwell, and the next one waits for it.
func (g *gate) ask(ctx context.Context, limit time.Duration) error {
	if g.check == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, ErrHealthTimeout)
	defer cancel()
	if g.open != nil {
		if err := g.await(ctx); g.open != nil {
			return err
		}
	}
	if !g.begin(ctx) {
		return ErrClosed
	}
	return g.await(ctx)
}

func (g *gate) begin(ctx context.Context) bool {
	answer := make(chan error, 1)
	g.open = answer
	return g.client.spawn(func() {
		answer <- g.client.guard("Health", func() error { return g.check(ctx) })
	})
}

// await returns the open question's answer, or that it is late.
func (g *gate) await(ctx context.Context) error {
	select {
	case err := <-g.open:
		g.open = nil
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
