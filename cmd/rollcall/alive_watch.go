package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// How often the list on a terminal is drawn: not more often than people can
// see, and often enough that its ages are about right.
const (
	drawLeast = 250 * time.Millisecond
	drawMost  = 2 * time.Second
)

// clearScreen goes to the upper left corner and clears what is below.
const clearScreen = "\x1b[H\x1b[2J"

// checkWatch refuses what a watch does not know.
func (c *aliveCommand) checkWatch(cmd *cobra.Command) error {
	for _, name := range []string{"meta", "state", "flapping", "limit", "cursor", "at", "at-revision"} {
		if cmd.Flags().Changed(name) {
			return wrongUsage("--watch and --%s exclude each other: a watch knows SERVICE, --tag and --prefix", name)
		}
	}
	return nil
}

// follow shows who is alive until Ctrl-C.
func (c *aliveCommand) follow(cmd *cobra.Command, r *remote, args []string, query url.Values) error {
	q := clientsdk.WatchQuery{Prefix: c.prefix, Tags: c.tags}
	if len(args) > 0 {
		q.Service = args[0]
	}
	w := cmd.OutOrStdout()
	t := newTeller(w)
	t.list = func(_ uint64, leases []wire.Lease) error { return printLeases(w, leases) }
	switch {
	case c.json():
		return r.watch(cmd.Context(), cmd.ErrOrStderr(), q, func(change *clientsdk.Change) error { return printChange(w, change) })
	case isTerminal(w):
		return c.draw(cmd, r, q, query)
	default:
		return r.watch(cmd.Context(), cmd.ErrOrStderr(), q, t.tell)
	}
}

// draw draws the list anew whenever the watch heard of something, and now and
// then for its ages.
func (c *aliveCommand) draw(cmd *cobra.Command, r *remote, q clientsdk.WatchQuery, query url.Values) error {
	ctx, cancel := context.WithCancelCause(cmd.Context())
	var watcher sync.WaitGroup
	defer watcher.Wait()
	defer cancel(nil)
	heard := make(chan uint64, 1) // the newest revision that was heard of
	watcher.Go(func() {
		cancel(r.watch(ctx, cmd.ErrOrStderr(), q, func(change *clientsdk.Change) error {
			replace(heard, change.Revision)
			return nil
		}))
	})
	tick := time.NewTicker(drawMost)
	defer tick.Stop()
	for {
		select {
		case revision := <-heard:
			query.Set("min_revision", strconv.FormatUint(revision, 10))
		case <-tick.C:
		case <-ctx.Done():
			return ended(cmd.Context(), ctx)
		}
		if err := c.drawOnce(ctx, cmd, r, query); err != nil {
			return err
		}
		pause(ctx, drawLeast)
	}
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

// drawOnce draws what it is told, or that it is told nothing.
func (c *aliveCommand) drawOnce(ctx context.Context, cmd *cobra.Command, r *remote, query url.Values) error {
	var b bytes.Buffer
	b.WriteString(clearScreen)
	query.Del("cursor")
	page, _, err := c.collect(ctx, r, query)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && !clientsdk.IsRetryable(err):
		return err
	case err != nil:
		fmt.Fprintln(&b, "no answer now:", printable(err.Error()))
	default:
		if err := printLeases(&b, page.Alive); err != nil {
			return err
		}
	}
	_, err = b.WriteTo(cmd.OutOrStdout())
	return err
}
