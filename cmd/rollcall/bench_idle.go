package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// benchIdleCommand holds idle connections.
type benchIdleCommand struct {
	drive
	config loadgen.IdleConfig
}

func newBenchIdle() *cobra.Command {
	var c benchIdleCommand
	d := loadgen.IdleDefaults()
	cmd := &cobra.Command{
		Use:   "idle",
		Short: "Hold idle connections, and tell what each costs the nodes in memory",
		Long: "Hold connections that do nothing but answer pings, and tell by how much the resident memory of the nodes grew for\n" +
			"each, as their metrics tell it before and at the end. A node that was just started tells most. It fails when a\n" +
			"connection breaks meanwhile. Each needs a file descriptor here and at its node (ulimit -n).",
		Example: "  rollcall bench idle --connections 10000 --hold 30s\n  rollcall bench idle --kind watch --connections 5000",
		Args:    arguments(0, 0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.drive.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&c.config.Kind, "kind", d.Kind, "session, a WebSocket, or watch, a stream of events")
	f.IntVar(&c.config.Connections, "connections", d.Connections, "how many connections, 1 to 100000")
	f.DurationVar(&c.config.Hold, "hold", d.Hold, "how long to hold them")
	return cmd
}

func (c *benchIdleCommand) run(cmd *cobra.Command) error {
	if c.config.Connections == 0 || c.config.Hold == 0 {
		return wrongUsage("--connections, --hold: want more than 0")
	}
	return driven(cmd, &c.drive, func(t loadgen.Target) (*loadgen.IdleResult, error) {
		c.config.Target = t
		return loadgen.RunIdle(cmd.Context(), c.config)
	}, printBenchIdle)
}

func printBenchIdle(w io.Writer, r *loadgen.IdleResult) error {
	fmt.Fprintf(w, "%s of %s connections (%s) held for %.1f s, %s broke\n\n",
		number(r.Held), number(int64(r.Connections)), r.Kind, r.Seconds, number(r.Broken))
	t := newTable(w, "NODE", "RESIDENT BEFORE", "AFTER", "GREW BY")
	for _, n := range r.Nodes {
		t.row(n.Endpoint, megabytes(n.Before), megabytes(n.After), megabytes(n.After-n.Before))
	}
	if err := t.print(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s bytes a connection\n", number(int64(r.BytesPerConnection)))
	printInterrupted(w, r.Interrupted)
	return nil
}

func megabytes(n float64) string { return fmt.Sprintf("%.1f MB", n/1e6) }
