package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// mailboxNackCommand hands messages back by hand.
type mailboxNackCommand struct {
	connection
	output
	nack wire.Nack
}

func newMailboxNack() *cobra.Command {
	var c mailboxNackCommand
	cmd := &cobra.Command{
		Use:   "nack ID MESSAGE...",
		Short: "Hand messages back: they come again later, and are dead letters after the last try",
		Example: "  rollcall mailbox nack web-1 f81d4fae-7dec-11d0-a765-00a0c91e6bf6 --reason 'no such invoice'\n" +
			"  rollcall mailbox dead web-1",
		Args: arguments(2, 1+wire.MaxMessageIDs, "ID MESSAGE..."),
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0], args[1:]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&c.nack.Reason, "reason", "", "why, for who looks at the dead letters")
	f.Uint32Var(&c.nack.Attempt, "attempt", 0, "the attempt that failed, one more than the nacks when it was read; an older one has no effect")
	f.Uint64Var(&c.nack.Epoch, "epoch", 0, "the reader's epoch: refused unless it is the live one")
	return cmd
}

func (c *mailboxNackCommand) run(cmd *cobra.Command, id string, messages []string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	c.nack.IDs = messages
	done, body, err := askFor[wire.Nacked](cmd.Context(), r, request{method: "POST", path: mailboxPath(id, "/nack"), body: c.nack})
	if err != nil {
		return err
	}
	if c.json() {
		printBody(cmd.OutOrStdout(), body)
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "handed back %s%s; %d pending.\n", count(uint64(done.Nacked), "message"), deadOf(done), done.Pending)
	return nil
}

// deadOf says how many of the messages handed back were so for the last time.
func deadOf(done *wire.Nacked) string {
	if done.Dead == 0 {
		return ""
	}
	return ", now dead letters: " + fmt.Sprint(done.Dead)
}
