package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// benchMailCommand sends mail and reads it.
type benchMailCommand struct {
	drive
	config loadgen.MailConfig
}

func newBenchMail() *cobra.Command {
	var c benchMailCommand
	d := loadgen.MailDefaults()
	cmd := &cobra.Command{
		Use:   "mail",
		Short: "Send messages, read and acknowledge them, and check that all arrived as they were sent",
		Long: "Send messages to mailboxes in turn, then read and acknowledge them, one reader a mailbox, and tell how fast that\n" +
			"was. Sends without an answer are repeated with the same id. It fails when a message that the cluster acknowledged\n" +
			"is missing, altered, dropped, out of order, or there twice.",
		Example: "  rollcall bench mail --senders 64 --mailboxes 100 --messages 100000 --body 1024\n" +
			"  rollcall bench mail --together -o json",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.drive.flags(cmd)
	f := cmd.Flags()
	f.IntVar(&c.config.Senders, "senders", d.Senders, "how many connections send, 1 to 10000")
	f.IntVar(&c.config.Mailboxes, "mailboxes", d.Mailboxes, "how many mailboxes, each with a reader, 1 to 10000")
	f.IntVar(&c.config.Messages, "messages", d.Messages, "how many messages in all, 1 to 1000000; one mailbox holds 10000")
	f.IntVar(&c.config.Body, "body", d.Body, "bytes of a body, 2 to 65536")
	f.IntVar(&c.config.Page, "page", d.Page, "messages that are read and acknowledged at once, 1 to 1000")
	f.DurationVar(&c.config.Patience, "patience", d.Patience, "how long to try a message, and to wait for one that is missing")
	f.BoolVar(&c.config.Together, "together", false, "read while sending, not afterwards")
	return cmd
}

func (c *benchMailCommand) run(cmd *cobra.Command) error {
	m := &c.config
	if m.Senders == 0 || m.Mailboxes == 0 || m.Messages == 0 || m.Body == 0 || m.Page == 0 || m.Patience == 0 {
		return wrongUsage("--senders, --mailboxes, --messages, --body, --page, --patience: want more than 0")
	}
	return driven(cmd, &c.drive, func(t loadgen.Target) (*loadgen.MailResult, error) {
		c.config.Target = t
		return loadgen.RunMail(cmd.Context(), c.config)
	}, printBenchMail)
}

func printBenchMail(w io.Writer, r *loadgen.MailResult) error {
	order := "then"
	if r.Together {
		order = "and at once"
	}
	fmt.Fprintf(w, "%s messages of %d bytes from %d senders, %s read from %d mailboxes, on %d endpoints, in %.1f s\n\n",
		number(r.Sent), r.BodyBytes, r.Senders, order, r.Mailboxes, len(r.Endpoints), r.Seconds)
	t := newTable(w, "MAIL", "MESSAGES", "PER SECOND")
	t.row("sent", number(r.Sent), number(int64(r.SentPerS)))
	t.row("delivered", number(r.Delivered), number(int64(r.DeliveredPerS)))
	t.row("acknowledged", number(r.Acked), "")
	if err := errors.Join(t.print(), printMailLatencies(w, r), printUsage(w, r.Usage)); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nlost %s, twice %s, altered %s, dropped %s, out of order %s, sent by nobody %s; given up by their senders %s\n",
		number(r.Lost), number(r.Twice), number(r.Altered), number(r.Gaps), number(r.Unsorted), number(r.Strange), number(r.Unsettled))
	printErrors(w, r.ErrorCodes)
	printInterrupted(w, r.Interrupted)
	return nil
}

func printMailLatencies(w io.Writer, r *loadgen.MailResult) error {
	fmt.Fprintln(w)
	t := newLatencyTable(w, "LATENCY")
	latencyRow(t, "sent", r.SendMS)
	if r.Together { // else it waited for the others to be sent
		latencyRow(t, "delivered", r.DeliveryMS)
	}
	latencyRow(t, "pages read", r.ReadMS)
	latencyRow(t, "acknowledged", r.AckMS)
	return t.print()
}
