package main

import (
	"context"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// How often what is shown of a watch is drawn anew: not more often than people
// can see, and often enough that its ages are about right. What comes in a
// burst is gathered first.
const (
	drawLeast  = 250 * time.Millisecond
	drawMost   = 2 * time.Second
	drawGather = 200 * time.Millisecond
)

// hear watches while f draws, and tells it the newest revision that the watch
// heard of. It ends with f, or with the watch, which ends f's context.
func (r *remote) hear(cmd *cobra.Command, q clientsdk.WatchQuery, f func(ctx context.Context, heard <-chan uint64) error) error {
	ctx, cancel := context.WithCancelCause(cmd.Context())
	var watcher sync.WaitGroup
	defer watcher.Wait()
	defer cancel(nil)
	heard := make(chan uint64, 1)
	watcher.Go(func() {
		cancel(r.watch(ctx, cmd.ErrOrStderr(), q, func(change *clientsdk.Change) error {
			replace(heard, change.Revision)
			return nil
		}))
	})
	if err := f(ctx, heard); err != nil {
		return err
	}
	return ended(cmd.Context(), ctx)
}

// ended is why the watch ended, which Ctrl-C is no failure of.
func ended(outer, inner context.Context) error {
	if outer.Err() != nil {
		return nil
	}
	return context.Cause(inner)
}

// replace puts the newest in the place of one that nobody took.
func replace(heard chan uint64, revision uint64) {
	select {
	case <-heard:
	default:
	}
	heard <- revision
}
