package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

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
	return r.hear(cmd, q, func(ctx context.Context, heard <-chan uint64) error {
		tick := time.NewTicker(drawMost)
		defer tick.Stop()
		for {
			select {
			case revision := <-heard:
				query.Set("min_revision", strconv.FormatUint(revision, 10))
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
			if err := c.drawOnce(ctx, cmd, r, query); err != nil {
				return err
			}
			pause(ctx, drawLeast)
		}
	})
}

// drawOnce draws what it is told, or that it is told nothing.
func (c *aliveCommand) drawOnce(ctx context.Context, cmd *cobra.Command, r *remote, query url.Values) error {
	var b bytes.Buffer
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
	return drawScreen(cmd.OutOrStdout(), b.String())
}
