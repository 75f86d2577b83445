package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// benchWatchCommand lets many watchers hear of changes.
type benchWatchCommand struct {
	drive
	config loadgen.WatchConfig
}

func newBenchWatch() *cobra.Command {
	var c benchWatchCommand
	d := loadgen.WatchDefaults()
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Let many watchers hear of changes, and tell how long the first and the last took",
		Long: "Let many watchers hear of the changes of one service, a lease that comes and goes, and tell how long each change\n" +
			"took to the first and to the last of them, from the sending of the change. It fails when a watcher misses a change\n" +
			"or hears of it twice or out of order.",
		Example: "  rollcall bench watch --watchers 5000 --every 1s --duration 30s",
		Args:    arguments(0, 0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.drive.flags(cmd)
	f := cmd.Flags()
	f.IntVar(&c.config.Watchers, "watchers", d.Watchers, "how many watchers, 1 to 100000")
	f.DurationVar(&c.config.Duration, "duration", d.Duration, "how long to make changes")
	f.DurationVar(&c.config.Every, "every", d.Every, "how often there is a change, which waits for the one before to be heard of")
	return cmd
}

func (c *benchWatchCommand) run(cmd *cobra.Command) error {
	if c.config.Watchers == 0 || c.config.Duration == 0 || c.config.Every == 0 {
		return wrongUsage("--watchers, --duration, --every: want more than 0")
	}
	return driven(cmd, &c.drive, func(t loadgen.Target) (*loadgen.WatchResult, error) {
		c.config.Target = t
		return loadgen.RunWatch(cmd.Context(), c.config)
	}, printBenchWatch)
}

func printBenchWatch(w io.Writer, r *loadgen.WatchResult) error {
	fmt.Fprintf(w, "%d watchers on %d endpoints, %s changes in %.1f s, heard of %s times\n\n",
		r.Watchers, len(r.Endpoints), number(r.Changes), r.Seconds, number(r.Events))
	t := newLatencyTable(w, "OF A CHANGE")
	latencyRow(t, "acknowledged", r.Write)
	latencyRow(t, "first watcher", r.First)
	latencyRow(t, "last watcher", r.Last)
	if err := t.print(); err != nil {
		return err
	}
	if err := printUsage(w, r.Usage); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nmissed %s, twice or out of order %s; streams that broke %s, of which began anew %s\n",
		number(r.Missed), number(r.Disordered), number(r.Broken), number(r.Anew))
	printErrors(w, r.ErrorCodes)
	printInterrupted(w, r.Interrupted)
	return nil
}
