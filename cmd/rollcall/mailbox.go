package main

import (
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// mailboxCommand counts what is in a mailbox; the commands below it read and
// settle its messages by hand.
type mailboxCommand struct {
	connection
	output
	consistency
}

func newMailbox() *cobra.Command {
	var c mailboxCommand
	cmd := &cobra.Command{
		Use:   "mailbox ID",
		Short: "Count what waits in a mailbox, and settle its messages by hand",
		Long: "Count what waits in a mailbox. The mailbox belongs to the id: it is there whether the id is alive or not.\n" +
			"The commands below it show dead letters and single messages, and settle them.",
		Example: "  rollcall mailbox web-1\n  rollcall mailbox dead web-1\n  rollcall mailbox ack web-1 --up-to 7",
		Args:    arguments(1, 1, "ID"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	c.consistency.flags(cmd)
	cmd.AddCommand(newMailboxDead(), newMailboxRequeue(), newMailboxMessage(), newMailboxAck(), newMailboxNack())
	return cmd
}

func (c *mailboxCommand) run(cmd *cobra.Command, id string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	query := url.Values{}
	c.consistency.set(query)
	m, body, err := askFor[wire.Mailbox](cmd.Context(), r, request{path: mailboxPath(id, ""), query: query})
	if err != nil {
		return err
	}
	if c.json() {
		printBody(cmd.OutOrStdout(), body)
		return nil
	}
	return printMailbox(cmd.OutOrStdout(), m)
}

func printMailbox(w io.Writer, m *wire.Mailbox) error {
	oldest := ""
	if m.Pending > 0 {
		oldest = milliseconds(int64(m.OldestAgeMS))
	}
	t := newTable(w, "ID", "PENDING", "BYTES", "OLDEST", "DEAD", "LAST OFFSET")
	t.row(m.ID, fmt.Sprint(m.Pending), fmt.Sprint(m.Bytes), oldest, fmt.Sprint(m.Dead), fmt.Sprint(m.LastOffset))
	return t.print()
}

// mailboxPath is the path of a mailbox; an id of odd characters is the node's
// to refuse.
func mailboxPath(id, rest string) string {
	return wire.PathMailboxes + "/" + url.PathEscape(id) + rest
}

// messagePath is the path of one message of a mailbox.
func messagePath(id, message string) string {
	return mailboxPath(id, "/messages/"+url.PathEscape(message))
}
