package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// mailboxMessageCommand says where one message stands.
type mailboxMessageCommand struct {
	connection
	output
	consistency
}

func newMailboxMessage() *cobra.Command {
	var c mailboxMessageCommand
	cmd := &cobra.Command{
		Use:   "message ID MESSAGE",
		Short: "Say where a message stands: pending, acked, dead or expired",
		Long: "Say where a message stands: pending, acked, dead or expired, for as long as the message or its tombstone is kept.\n" +
			"Exit code 3 when nothing is known of it.",
		Args: arguments(2, 2, "ID MESSAGE"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0], args[1]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	c.consistency.flags(cmd)
	return cmd
}

func (c *mailboxMessageCommand) run(cmd *cobra.Command, id, message string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	query := url.Values{}
	c.consistency.set(query)
	m, body, err := askFor[wire.MessageStatus](cmd.Context(), r, request{path: messagePath(id, message), query: query})
	if err != nil {
		return err
	}
	if c.json() {
		printBody(cmd.OutOrStdout(), body)
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is %s: offset %d, nacked %s.\n", m.ID, m.State, m.Offset, times(uint64(m.Attempts)))
	return nil
}
