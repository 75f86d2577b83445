package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// benchListCommand lists leases.
type benchListCommand struct {
	drive
	config loadgen.ListConfig
}

func newBenchList() *cobra.Command {
	var c benchListCommand
	d := loadgen.ListDefaults()
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List who is alive as fast as the cluster answers, and tell how fast that was",
		Long: "Register leases of one service, with all that a lease can carry, and list them over keep-alive connections, each\n" +
			"asking when the list before was answered. It fails when an answer is not whole. With --etag a list that has not\n" +
			"changed is answered by 304; renewals do not change it.",
		Example: "  rollcall bench list --leases 1000 --workers 32 --duration 30s\n" +
			"  rollcall bench list --fields id,address,port --etag --renew 500 -o json",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.drive.flags(cmd)
	f := cmd.Flags()
	f.IntVar(&c.config.Leases, "leases", d.Leases, "how many leases there are, 1 to 1000000; a list has at most 1000")
	f.IntVar(&c.config.Workers, "workers", d.Workers, "how many connections list, 1 to 10000")
	f.DurationVar(&c.config.Duration, "duration", d.Duration, "how long to list")
	f.StringVar(&c.config.Consistency, "consistency", d.Consistency, "local, leader or linearizable")
	f.StringVar(&c.config.Fields, "fields", "", "members of a lease to ask for, such as id,address,port; all unless set")
	f.BoolVar(&c.config.ETag, "etag", false, "ask for what changed only (If-None-Match)")
	f.IntVar(&c.config.Runs, "runs", d.Runs, runsUsage)
	f.Float64Var(&c.config.Renew, "renew", 0, "single heartbeats a second beside")
	return cmd
}

func (c *benchListCommand) run(cmd *cobra.Command) error {
	if c.config.Leases == 0 || c.config.Workers == 0 || c.config.Duration == 0 || c.config.Runs == 0 {
		return wrongUsage("--leases, --workers, --duration, --runs: want more than 0")
	}
	return driven(cmd, &c.drive, func(t loadgen.Target) (*loadgen.ListResult, error) {
		c.config.Target = t
		return loadgen.RunList(cmd.Context(), c.config)
	}, printBenchList)
}

func printBenchList(w io.Writer, r *loadgen.ListResult) error {
	fmt.Fprintf(w, "%s lists of %s leases (%s) by %d connections to %d endpoints in %.1f s%s\n\n",
		number(r.Lists), number(int64(r.LeasesPerList)), r.Consistency, r.Workers, len(r.Endpoints), r.Seconds, ofRuns(len(r.Runs)))
	fmt.Fprintf(w, "%s lists/s, %.1f MB/s, %s bytes a list; %s not modified\n\n",
		number(int64(r.ListsPerS)), r.MBPerS, number(int64(r.BytesPerList)), number(r.NotModified))
	t := newLatencyTable(w, "OF A REQUEST")
	latencyRow(t, "list", r.Latency)
	if r.Renewals > 0 {
		latencyRow(t, "heartbeat", r.RenewLatency)
	}
	if err := errors.Join(t.print(), printRuns(w, listFigures(r)), printUsage(w, r.Usage)); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nlists that were not whole %s; heartbeats beside %s, leases that ended meanwhile %s\n",
		number(r.Wrong), number(r.Renewals), number(r.LeasesLost))
	printErrors(w, r.ErrorCodes)
	printLeft(w, r.LeasesLeft)
	printInterrupted(w, r.Interrupted)
	return nil
}

func listFigures(r *loadgen.ListResult) []figure {
	return append([]figure{
		figureOf("lists a second", r.Runs, func(one loadgen.ListResult) float64 { return one.ListsPerS }, "%.0f"),
		figureOf("errors", r.Runs, func(one loadgen.ListResult) float64 { return float64(one.Errors) }, "%.0f"),
	}, latencyFigures(r.Runs, func(one loadgen.ListResult) loadgen.Latency { return one.Latency })...)
}
