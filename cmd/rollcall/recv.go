package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// recvCommand reads a mailbox.
type recvCommand struct {
	connection
	output
	after, epoch uint64
	limit        int
	wait         time.Duration
	ack, follow  bool
}

func newRecv() *cobra.Command {
	var c recvCommand
	cmd := &cobra.Command{
		Use:   "recv ID",
		Short: "Read the messages of a mailbox",
		Long: "Read the messages of a mailbox in the order of their offsets. Reading does not remove them; --ack acknowledges\n" +
			"what was printed. What was dropped before it could be read is shown as a gap.\n" +
			"With --follow it goes on until Ctrl-C, and -o json prints one page a line.",
		Example: "  rollcall recv web-1\n  rollcall recv web-1 --ack --follow\n  rollcall recv web-1 --wait 30s -o json",
		Args:    arguments(1, 1, "ID"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	f := cmd.Flags()
	f.Uint64Var(&c.after, "after", 0, "only those beyond this offset, and what was handed back and is due again")
	f.IntVar(&c.limit, "limit", wire.DefaultLimit, "at most so many at once, 1 to 1000")
	f.DurationVar(&c.wait, "wait", 0, "how long to wait for the first, at most 5m; 30s with --follow unless set")
	f.BoolVar(&c.ack, "ack", false, "acknowledge what was printed")
	f.Uint64Var(&c.epoch, "epoch", 0, "acknowledge as the holder of this epoch: refused unless it is the live one")
	f.BoolVar(&c.follow, "follow", false, "go on until Ctrl-C")
	return cmd
}

func (c *recvCommand) run(cmd *cobra.Command, id string) error {
	if c.epoch != 0 && !c.ack {
		return wrongUsage("--epoch is for --ack")
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	if !c.follow {
		return c.once(cmd, r, id)
	}
	if !cmd.Flags().Changed("wait") {
		c.wait = wire.DefaultWait
	}
	return c.onAndOn(cmd, r, id)
}

// onAndOn reads until Ctrl-C, through spells without a quorum or a node.
func (c *recvCommand) onAndOn(cmd *cobra.Command, r *remote, id string) error {
	ctx := cmd.Context()
	for {
		err := c.once(cmd, r, id)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !clientsdk.IsRetryable(err):
			return err
		case err != nil:
			fmt.Fprintln(cmd.ErrOrStderr(), "rollcall: trying again:", err)
			pause(ctx, time.Second)
		case c.wait < time.Second: // else the node waits
			pause(ctx, time.Second)
		}
	}
}

// once reads, prints and acknowledges one page.
func (c *recvCommand) once(cmd *cobra.Command, r *remote, id string) error {
	page, body, err := askFor[wire.MessagesPage](cmd.Context(), r, request{path: mailboxPath(id, "/messages"), query: c.query()})
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	switch quiet := c.follow && len(page.Messages) == 0 && page.Gap == nil; {
	case quiet:
	case c.json():
		printBody(w, body)
	case len(page.Messages) == 0 && page.Gap == nil:
		fmt.Fprintln(cmd.ErrOrStderr(), "rollcall: there is no message to read now")
	default:
		printMessages(w, page)
	}
	c.after = page.Next
	if !c.ack || len(page.Messages) == 0 {
		return nil
	}
	return c.acknowledge(cmd, r, id, page.Messages)
}

func (c *recvCommand) query() url.Values {
	q := url.Values{"after": {strconv.FormatUint(c.after, 10)}, "limit": {strconv.Itoa(c.limit)}}
	if c.wait > 0 {
		q.Set("wait_ms", strconv.FormatInt(c.wait.Milliseconds(), 10))
	}
	return q
}

// acknowledge names each message: among them may be some from before, that
// were handed back, and between them some that others work on.
func (c *recvCommand) acknowledge(cmd *cobra.Command, r *remote, id string, messages []wire.Message) error {
	ids := make([]string, len(messages))
	for i := range messages {
		ids[i] = messages[i].ID
	}
	done, err := r.Ack(cmd.Context(), id, wire.Ack{Epoch: c.epoch, IDs: ids})
	if err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "acknowledged %s; %d pending.\n", count(uint64(done.Acked), "message"), done.Pending)
	return nil
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
