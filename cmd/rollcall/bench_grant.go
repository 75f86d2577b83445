package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// benchGrantCommand registers leases.
type benchGrantCommand struct {
	drive
	config loadgen.Config
	mode   string
}

func newBenchGrant() *cobra.Command {
	var c benchGrantCommand
	cmd := &cobra.Command{
		Use:   "grant",
		Short: "Register leases, tell how fast they were granted, and end them again",
		Long: "Register leases, each with an id of 40 bytes, a service, an address, a port, two tags and a pair of meta, and tell\n" +
			"how fast they were granted. They are ended afterwards, between several runs, too.",
		Example: "  rollcall bench grant --leases 100000 --workers 64 --runs 5\n" +
			"  rollcall bench grant --mode session --workers 64 --pipeline 16\n" +
			"  rollcall bench grant --rate 5000 -o json",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.drive.flags(cmd)
	f, d := cmd.Flags(), loadgen.GrantDefaults()
	leaseFlags(f, &c.config, d)
	f.StringVar(&c.mode, "mode", "http", "http: one request a lease; session: over WebSockets")
	f.IntVar(&c.config.Pipeline, "pipeline", d.Pipeline, "registrations in flight on each connection in session mode, 1 to 1024")
	f.StringVar(&c.config.Codec, "codec", d.Codec, "of a session: json or cbor")
	return cmd
}

func (c *benchGrantCommand) run(cmd *cobra.Command) error {
	d := &c.config
	if d.Leases == 0 || d.Workers == 0 || d.Pipeline == 0 || d.TTL == 0 || d.Runs == 0 {
		return wrongUsage("--leases, --workers, --pipeline, --ttl, --runs: want more than 0")
	}
	switch c.mode {
	case "http":
		d.Mode = loadgen.ModeSingle
	case "session":
		d.Mode = loadgen.ModeSession
	default:
		return wrongUsage("mode %q: want http or session", c.mode)
	}
	return driven(cmd, &c.drive, func(t loadgen.Target) (*loadgen.GrantResult, error) {
		return loadgen.RunGrant(cmd.Context(), aimedAt(*d, t))
	}, printBenchGrant)
}

func printBenchGrant(w io.Writer, r *loadgen.GrantResult) error {
	fmt.Fprintf(w, "%s: %s leases of TTL %s%s, %d connections to %d endpoints%s%s\n\n",
		r.Mode, number(int64(r.Leases)), milliseconds(r.TTLMS), carrying(r.Full), r.Workers, len(r.Endpoints), inFlight(r.Pipeline), ofRuns(len(r.Runs)))
	t := newTable(w, "PHASE", "ACKNOWLEDGED", "PER SECOND", "ERRORS")
	t.row("grants", number(r.Grants), number(int64(r.GrantsPerS)), number(r.Errors))
	if err := t.print(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	latencies := newLatencyTable(w, "LATENCY")
	latencyRow(latencies, "grants", r.Latency)
	if err := errors.Join(latencies.print(), printMissed(w, r.Missed), printRuns(w, grantFigures(r)), printUsage(w, r.Usage)); err != nil {
		return err
	}
	printOpenLoop(w, r.OpenLoop)
	fmt.Fprintf(w, "\n%.1f s of granting (%s)\n", r.Seconds, r.Codec)
	printErrors(w, r.ErrorCodes)
	printLeft(w, r.LeasesLeft)
	printInterrupted(w, r.Interrupted)
	printDistribution(w, r.Distribution)
	return nil
}

func grantFigures(r *loadgen.GrantResult) []figure {
	return append([]figure{
		figureOf("grants a second", r.Runs, func(g loadgen.Granted) float64 { return g.GrantsPerS }, "%.0f"),
		figureOf("errors", r.Runs, func(g loadgen.Granted) float64 { return float64(g.Errors) }, "%.0f"),
	}, latencyFigures(r.Runs, func(g loadgen.Granted) loadgen.Latency { return g.Latency })...)
}
