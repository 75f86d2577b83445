package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// mailboxRequeueCommand gives a dead letter another chance.
type mailboxRequeueCommand struct {
	connection
	output
}

func newMailboxRequeue() *cobra.Command {
	var c mailboxRequeueCommand
	cmd := &cobra.Command{
		Use:   "requeue ID MESSAGE",
		Short: "Put a dead letter at the end of its mailbox again",
		Args:  arguments(2, 2, "ID MESSAGE"),
		RunE:  func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0], args[1]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	return cmd
}

func (c *mailboxRequeueCommand) run(cmd *cobra.Command, id, message string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	sent, body, err := askFor[wire.Sent](cmd.Context(), r, request{
		method: "POST", path: mailboxPath(id, "/dead/"+url.PathEscape(message)+"/requeue"),
	})
	if err != nil {
		return err
	}
	if c.json() {
		printBody(cmd.OutOrStdout(), body)
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is pending again: offset %d, revision %d.\n", sent.ID, sent.Offset, sent.Revision)
	return nil
}
