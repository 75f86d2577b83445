package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// mailboxDeadCommand lists the dead letters of a mailbox.
type mailboxDeadCommand struct {
	connection
	output
}

func newMailboxDead() *cobra.Command {
	var c mailboxDeadCommand
	cmd := &cobra.Command{
		Use:     "dead ID",
		Short:   "List the dead letters: messages that were nacked too often",
		Example: "  rollcall mailbox dead web-1\n  rollcall mailbox requeue web-1 f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		Args:    arguments(1, 1, "ID"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	return cmd
}

func (c *mailboxDeadCommand) run(cmd *cobra.Command, id string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	all, body, err := c.collect(cmd.Context(), r, id)
	switch {
	case err != nil:
		return err
	case c.json() && body != nil:
		printBody(cmd.OutOrStdout(), body)
		return nil
	case c.json():
		return printJSON(cmd.OutOrStdout(), all)
	}
	return printDead(cmd.OutOrStdout(), all.Messages)
}

// collect reads all pages. The body is that of the only page, or nil where
// there were more.
func (c *mailboxDeadCommand) collect(ctx context.Context, r *remote, id string) (*wire.DeadPage, []byte, error) {
	query := url.Values{"limit": {strconv.Itoa(wire.MaxLimit)}}
	q := request{path: mailboxPath(id, "/dead"), query: query}
	all, body, err := askFor[wire.DeadPage](ctx, r, q)
	if err != nil || all.NextCursor == "" {
		return all, body, err
	}
	for all.NextCursor != "" {
		query.Set("cursor", all.NextCursor)
		page, _, err := askFor[wire.DeadPage](ctx, r, q)
		if err != nil {
			return nil, nil, err
		}
		all.Messages, all.NextCursor = append(all.Messages, page.Messages...), page.NextCursor
	}
	return all, nil, nil
}

func printDead(w io.Writer, messages []wire.Message) error {
	t := newTable(w, "ID", "OFFSET", "ENQUEUED", "FROM", "NACKS", "LAST REASON", "BODY")
	for i := range messages {
		m := &messages[i]
		t.row(m.ID, strconv.FormatUint(m.Offset, 10), instant(m.EnqueuedAt), m.From, fmt.Sprint(m.Attempts), m.Reason, bodyText(m))
	}
	return t.print()
}
