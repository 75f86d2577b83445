package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

type heartbeatCommand struct {
	connection
	output
	epoch, seq uint64
}

func newHeartbeat() *cobra.Command {
	var c heartbeatCommand
	cmd := &cobra.Command{
		Use:     "heartbeat ID",
		Short:   "Renew a lease by hand; the live epoch and its next seq unless given",
		Example: "  rollcall heartbeat web-1 --epoch 4711 --seq 1",
		Args:    arguments(1, 1, "ID"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	cmd.Flags().Uint64Var(&c.epoch, "epoch", 0, "the epoch that was granted")
	cmd.Flags().Uint64Var(&c.seq, "seq", 0, "the sequence number, one more than the last")
	return cmd
}

func (c *heartbeatCommand) run(cmd *cobra.Command, id string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	if c.epoch == 0 || c.seq == 0 {
		if err := c.fill(cmd.Context(), r, id); err != nil {
			return err
		}
	}
	beat := wire.Heartbeat{Epoch: c.epoch, Seq: c.seq}
	n, body, err := askFor[wire.Renewed](cmd.Context(), r, request{method: "POST", path: leasePath(id, "/heartbeat"), body: beat})
	if err != nil {
		return err
	}
	if c.json() {
		printBody(cmd.OutOrStdout(), body)
		return nil
	}
	said := "is renewed"
	if n.Duplicate {
		said = "was renewed by this seq before, and is not again"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s %s: epoch %d, seq %d, expires in %s.\n", n.ID, said, n.Epoch, n.Seq, milliseconds(n.ExpiresInMS))
	return nil
}

// fill takes what was not given from the lease as the leader has it.
func (c *heartbeatCommand) fill(ctx context.Context, r *remote, id string) error {
	l, err := r.liveLease(ctx, id)
	if err != nil {
		return err
	}
	if c.epoch == 0 {
		c.epoch = l.Epoch
	}
	if c.seq == 0 && c.epoch == l.Epoch {
		c.seq = l.Seq + 1
	}
	return nil
}

// liveLease asks the leader for a lease that lives.
func (r *remote) liveLease(ctx context.Context, id string) (*wire.Lease, error) {
	l, _, err := askFor[wire.Lease](ctx, r, request{
		path: leasePath(id, ""), query: url.Values{"consistency": {"leader"}},
	})
	if err != nil {
		return nil, err
	}
	if l.Certificate != nil {
		return nil, notAlive("%s is not alive (%s); rollcall why %s tells more", id, l.State, id)
	}
	return l, nil
}
