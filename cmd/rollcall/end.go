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

// endCommand ends a lease: leave by its holder, evict by an operator.
type endCommand struct {
	connection
	output
	epoch uint64
	evict bool
}

func newLeave() *cobra.Command {
	c := &endCommand{}
	cmd := c.command("leave ID", "End a lease by hand, as its holder; the live epoch unless given")
	cmd.Flags().Uint64Var(&c.epoch, "epoch", 0, "the epoch that was granted")
	return cmd
}

func newEvict() *cobra.Command {
	c := &endCommand{evict: true}
	return c.command("evict ID", "End a lease as an operator, whoever holds it")
}

func (c *endCommand) command(use, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  arguments(1, 1, "ID"),
		RunE:  func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	return cmd
}

func (c *endCommand) run(cmd *cobra.Command, id string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	query, err := c.query(cmd.Context(), r, id)
	if err != nil {
		return err
	}
	certificate, body, err := askFor[wire.Certificate](cmd.Context(), r, request{method: "DELETE", path: leasePath(id, ""), query: query})
	if err != nil {
		return err
	}
	return c.print(cmd.OutOrStdout(), certificate, body)
}

func (c *endCommand) query(ctx context.Context, r *remote, id string) (url.Values, error) {
	if c.evict {
		return url.Values{"evict": {"true"}}, nil
	}
	if c.epoch == 0 {
		l, err := r.liveLease(ctx, id)
		if err != nil {
			return nil, err
		}
		c.epoch = l.Epoch
	}
	return url.Values{"epoch": {strconv.FormatUint(c.epoch, 10)}}, nil
}

func (c *endCommand) print(w io.Writer, certificate *wire.Certificate, body []byte) error {
	if c.json() {
		printBody(w, body)
		return nil
	}
	fmt.Fprintf(w, "%s is over: %s, epoch %d, revision %d.\n", certificate.ID, certificate.Cause, certificate.Epoch, certificate.Revision)
	return nil
}
