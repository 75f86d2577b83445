package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// benchStormCommand lets leases fall silent.
type benchStormCommand struct {
	drive
	config loadgen.StormConfig
}

func newBenchStorm() *cobra.Command {
	var c benchStormCommand
	d := loadgen.StormDefaults()
	cmd := &cobra.Command{
		Use:   "storm",
		Short: "Let leases fall silent at once, and tell when each burial was known",
		Long: "Register leases of one service, with all that a lease can carry, renew all of them, and let some fall silent at once\n" +
			"while the others are renewed every third of their TTL. A watch tells when each burial was known. Lateness counts\n" +
			"from TTL after the last renewal was sent, so it is the most that it can be. It fails when a lease dies that was\n" +
			"renewed, one is buried before its TTL is over, or one is neither buried nor held in time.",
		Example: "  rollcall bench storm --leases 10000\n" +
			"  rollcall bench storm --leases 1000000 --silent 100000 --ttl 30s -o json",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.drive.flags(cmd)
	f := cmd.Flags()
	f.IntVar(&c.config.Leases, "leases", d.Leases, "how many leases there are, 1 to 10000000")
	f.IntVar(&c.config.Silent, "silent", 0, "how many of them fall silent (all unless set)")
	f.DurationVar(&c.config.TTL, "ttl", d.TTL, "of each lease; long enough to renew all of them three times")
	f.Float64Var(&c.config.LiveRate, "live-rate", d.LiveRate, "single heartbeats a second of those that live on; what it is too little for is renewed in batches")
	f.IntVar(&c.config.Runs, "runs", d.Runs, runsUsage)
	f.DurationVar(&c.config.Patience, "patience", d.Patience, "how long after it was due a burial is waited for")
	return cmd
}

func (c *benchStormCommand) run(cmd *cobra.Command) error {
	if c.config.Silent == 0 && cmd.Flags().Changed("silent") {
		return wrongUsage("--silent: want more than 0")
	}
	if c.config.Leases == 0 || c.config.TTL == 0 || c.config.LiveRate == 0 || c.config.Patience == 0 || c.config.Runs == 0 {
		return wrongUsage("--leases, --ttl, --live-rate, --patience, --runs: want more than 0")
	}
	return driven(cmd, &c.drive, func(t loadgen.Target) (*loadgen.StormResult, error) {
		c.config.Target = t
		return loadgen.RunStorm(cmd.Context(), c.config)
	}, printBenchStorm)
}

func printBenchStorm(w io.Writer, r *loadgen.StormResult) error {
	fmt.Fprintf(w, "%s of %s leases of TTL %s fell silent within %s; %s were buried within %s, %s after the last was heard of%s\n\n",
		number(int64(r.Silent)), number(int64(r.Leases)), milliseconds(r.TTLMS), ms(r.SilenceMS), number(r.Buried), ms(r.SpreadMS), seconds(r.Seconds), ofRuns(len(r.Runs)))
	t := newLatencyTable(w, "OF A BURIAL")
	latencyRow(t, "late, at most", r.Late)
	latencyRow(t, "late, at least", r.LateLeast)
	latencyRow(t, "overdue by its certificate", r.Overdue)
	if err := errors.Join(t.print(), printRuns(w, stormFigures(r))); err != nil {
		return err
	}
	if err := printStormLife(w, r); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nrenewed ones that died %s, buried early %s, silent ones not buried %s\n", number(r.LiveDied), number(r.Early), number(r.Unburied))
	printUnverified(w, r.LiveLate)
	if r.Refused > 0 {
		fmt.Fprintf(w, "%s silent leases had ended before their last renewal, so their lateness is not known\n", number(r.Refused))
	}
	if r.Held > 0 {
		fmt.Fprintf(w, "%s leases are HELD by the cluster's protection against mass expiry\n", number(r.Held))
	}
	if r.Broken > 0 {
		fmt.Fprintf(w, "the watch broke %s times, and lost events %s times\n", number(r.Broken), number(r.Anew))
	}
	printErrors(w, r.ErrorCodes)
	printLeft(w, r.LeasesLeft)
	printInterrupted(w, r.Interrupted)
	return nil
}

// printStormLife tells what the living felt, and what it all took.
func printStormLife(w io.Writer, r *loadgen.StormResult) error {
	fmt.Fprintf(w, "\n%s grants at %s a second; %s single heartbeats of those that live on\n\n",
		number(r.Grants), number(int64(r.GrantsPerS)), number(r.LiveBeats))
	t := newLatencyTable(w, "OF A REQUEST")
	latencyRow(t, "grant", r.GrantLatency)
	if r.LiveBeats > 0 {
		latencyRow(t, "heartbeat before the storm", r.Calm)
		latencyRow(t, "heartbeat in the storm", r.Storm)
	}
	return errors.Join(t.print(), printUsage(w, r.Usage))
}

func seconds(s float64) string { return fmt.Sprintf("%.1f s", s) }

func stormFigures(r *loadgen.StormResult) []figure {
	figures := []figure{
		figureOf("late, at most, p50", r.Runs, func(one loadgen.StormResult) float64 { return one.Late.P50 }, "%.0f ms"),
		figureOf("late, at most, max", r.Runs, func(one loadgen.StormResult) float64 { return one.Late.Max }, "%.0f ms"),
		figureOf("grants a second", r.Runs, func(one loadgen.StormResult) float64 { return one.GrantsPerS }, "%.0f"),
	}
	if r.LiveBeats > 0 {
		figures = append(figures, figureOf("heartbeat in the storm, p99", r.Runs, func(one loadgen.StormResult) float64 { return one.Storm.P99 }, "%.1f ms"))
	}
	return figures
}
