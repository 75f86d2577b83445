package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// watchCommand tells of changes as they happen.
type watchCommand struct {
	connection
	output
	id, prefix string
	tags       []string
	after      uint64
}

func newWatch() *cobra.Command {
	var c watchCommand
	cmd := &cobra.Command{
		Use:   "watch [SERVICE]",
		Short: "Tell of every change as it happens, until Ctrl-C",
		Long: "Tell of every change as it happens, once and in order, until Ctrl-C: first who is alive, then a line an event.\n" +
			"It goes on over broken connections and dead nodes; when what it missed meanwhile is no longer kept, it says so\n" +
			"and begins anew. -o json prints a snapshot or an event a line.",
		Example: "  rollcall watch web --tag eu\n  rollcall watch --id web-1 -o json\n  rollcall watch --after 4711",
		Args:    arguments(0, 1, "[SERVICE]"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&c.id, "id", "", "only this id")
	f.StringVar(&c.prefix, "prefix", "", "only ids that begin so")
	f.StringArrayVar(&c.tags, "tag", nil, "only those with this tag, before or after the change; repeat for more")
	f.Uint64Var(&c.after, "after", 0, "begin with what came after this revision instead of who is alive; 0 is the oldest event ever")
	return cmd
}

func (c *watchCommand) run(cmd *cobra.Command, args []string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	q := clientsdk.WatchQuery{ID: c.id, Prefix: c.prefix, Tags: c.tags}
	if len(args) > 0 {
		q.Service = args[0]
	}
	if cmd.Flags().Changed("after") {
		q.After = &c.after
	}
	tell := newTeller(cmd.OutOrStdout()).tell
	if c.json() {
		tell = func(change *clientsdk.Change) error { return printChange(cmd.OutOrStdout(), change) }
	}
	return r.watch(cmd.Context(), cmd.ErrOrStderr(), q, tell)
}

// watch hands every change to tell until ctx ends, as it does with Ctrl-C, which
// is a good end.
func (r *remote) watch(ctx context.Context, errOut io.Writer, q clientsdk.WatchQuery, tell func(*clientsdk.Change) error) error {
	if err := r.reach(ctx); err != nil {
		return err
	}
	for change, err := range r.Watch(ctx, q) {
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case change.Restarted:
			fmt.Fprintln(errOut, "rollcall: the watch begins anew: what it missed is no longer kept")
		}
		if err := tell(&change); err != nil {
			return err
		}
	}
	return nil
}

// reach fails where no node answers: a watch would try for ever.
func (r *remote) reach(ctx context.Context) error {
	_, _, err := r.ask(ctx, request{path: wire.PathHealth})
	return err
}
