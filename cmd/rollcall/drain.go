package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

type drainCommand struct {
	connection
	output
	epoch uint64
	undo  bool
}

func newDrain() *cobra.Command {
	var c drainCommand
	cmd := &cobra.Command{
		Use:   "drain ID",
		Short: "Mark a lease as draining: alive, but to be sent no new work",
		Args:  arguments(1, 1, "ID"),
		RunE:  func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	cmd.Flags().Uint64Var(&c.epoch, "epoch", 0, "the epoch that was granted; the live one unless given")
	cmd.Flags().BoolVar(&c.undo, "undo", false, "mark it as alive again")
	return cmd
}

func (c *drainCommand) run(cmd *cobra.Command, id string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	if c.epoch == 0 {
		l, err := r.liveLease(cmd.Context(), id)
		if err != nil {
			return err
		}
		c.epoch = l.Epoch
	}
	state := "draining"
	if c.undo {
		state = "alive"
	}
	patch := wire.Patch{Epoch: c.epoch, State: &state}
	l, body, err := askFor[wire.Lease](cmd.Context(), r, request{method: "PATCH", path: leasePath(id, ""), body: patch})
	if err != nil {
		return err
	}
	if c.json() {
		printBody(cmd.OutOrStdout(), body)
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is %s: epoch %d, revision %d.\n", l.ID, l.State, l.Epoch, l.Revision)
	return nil
}
