package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// mailboxAckCommand acknowledges messages by hand.
type mailboxAckCommand struct {
	connection
	output
	upTo, epoch uint64
}

func newMailboxAck() *cobra.Command {
	var c mailboxAckCommand
	cmd := &cobra.Command{
		Use:     "ack ID [MESSAGE...]",
		Short:   "Acknowledge messages: they are done with and go",
		Example: "  rollcall mailbox ack web-1 --up-to 7\n  rollcall mailbox ack web-1 f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		Args:    arguments(1, 1+wire.MaxMessageIDs, "ID [MESSAGE...]"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0], args[1:]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	cmd.Flags().Uint64Var(&c.upTo, "up-to", 0, "all up to this offset, instead of named ones")
	cmd.Flags().Uint64Var(&c.epoch, "epoch", 0, "the reader's epoch: refused unless it is the live one")
	return cmd
}

func (c *mailboxAckCommand) run(cmd *cobra.Command, id string, messages []string) error {
	if (c.upTo != 0) == (len(messages) != 0) {
		return wrongUsage("%s wants either --up-to or messages", cmd.CommandPath())
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	done, err := r.Ack(cmd.Context(), id, wire.Ack{Epoch: c.epoch, UpTo: c.upTo, IDs: messages})
	if err != nil {
		return err
	}
	if c.json() {
		return printJSON(cmd.OutOrStdout(), done)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "acknowledged %s; %d pending.\n", count(uint64(done.Acked), "message"), done.Pending)
	return nil
}
