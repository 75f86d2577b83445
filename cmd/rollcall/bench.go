package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// benchCommand renews leases; the commands below it drive other loads.
type benchCommand struct {
	drive
	config loadgen.Config
}

func newBench() *cobra.Command {
	cmd := newRenewing("bench")
	cmd.Long += "\nIt is the same as bench renew. The commands below drive grants, watches, mail, lists and idle connections,\nlet leases fall silent and leaders die, drive a bit of all for long, and compare."
	cmd.AddCommand(newRenewing("renew"), newBenchGrant(), newBenchWatch(), newBenchMail(), newBenchIdle(),
		newBenchList(), newBenchStorm(), newBenchFailover(), newBenchSoak(), newBenchCompare(), newBenchScale())
	return cmd
}

// newRenewing is the command that renews, which has two names.
func newRenewing(use string) *cobra.Command {
	var c benchCommand
	cmd := &cobra.Command{
		Use:   use,
		Short: "Register leases, renew them as fast as the cluster answers, and tell how fast that was",
		Long: "Register leases, renew them for a while over keep-alive connections, and tell how fast that was. Each connection\n" +
			"sends its next request when the one before was answered; with --rate, when the next is due by a schedule fixed\n" +
			"beforehand, and latency counts from then. Progress goes to standard error, the result to standard output.\n" +
			"It ends by itself; Ctrl-C ends it early with what was measured. The leases are ended afterwards.",
		Example: "  rollcall bench --leases 100000 --workers 512 --duration 30s \\\n" +
			"    --endpoints http://127.0.0.1:7700,http://127.0.0.1:7710,http://127.0.0.1:7720\n" +
			"  rollcall bench renew --mode batch --batch 1000 --codec binary --runs 5 -o json\n" +
			"  rollcall bench renew --mode session --workers 64 --pipeline 100 --rate 50000",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.drive.flags(cmd)
	c.flags(cmd)
	return cmd
}

func (c *benchCommand) flags(cmd *cobra.Command) {
	f, d := cmd.Flags(), loadgen.Defaults()
	leaseFlags(f, &c.config, d)
	f.StringVar(&c.config.Mode, "mode", d.Mode, "single: one request a heartbeat; batch: many; session: over WebSockets")
	f.DurationVar(&c.config.Duration, "duration", d.Duration, "how long to renew, in each run")
	f.IntVar(&c.config.Batch, "batch", d.Batch, "beats a request in batch mode, 1 to 10000")
	f.IntVar(&c.config.Pipeline, "pipeline", d.Pipeline, "heartbeats in flight on each connection in session mode, 1 to 1024")
	f.StringVar(&c.config.Codec, "codec", d.Codec, "of a batch: json, cbor or binary; of a session: json or cbor")
}

// leaseFlags are those of every run that holds leases of its own.
func leaseFlags(f *pflag.FlagSet, c *loadgen.Config, d loadgen.Config) {
	f.IntVar(&c.Leases, "leases", d.Leases, "how many leases to hold")
	f.IntVar(&c.Workers, "workers", d.Workers, "how many connections; fewer where each would have more in flight than its leases")
	f.DurationVar(&c.TTL, "ttl", d.TTL, "of each lease; longer than a run, or one round over all leases")
	f.Float64Var(&c.Rate, "rate", 0, "requests a second over all connections, an open loop; 0: each as soon as the one before was answered")
	f.IntVar(&c.Runs, "runs", d.Runs, runsUsage)
	f.StringVar(&c.Service, "service", d.Service, "service of the leases")
	f.BoolVar(&c.Full, "full", d.Full, "leases with an address, a port, two tags and a pair of meta, and ids of 40 bytes")
	f.BoolVar(&c.Keep, "keep", false, "leave the leases to their TTL afterwards")
}

// checkZeros refuses what the driver would take for a field that is not set.
func (c *benchCommand) checkZeros() error {
	d := &c.config
	if d.Leases == 0 || d.Workers == 0 || d.Batch == 0 || d.Pipeline == 0 || d.Duration == 0 || d.TTL == 0 || d.Runs == 0 {
		return wrongUsage("--leases, --workers, --batch, --pipeline, --duration, --ttl, --runs: want more than 0")
	}
	return nil
}

func (c *benchCommand) run(cmd *cobra.Command) error {
	if err := c.checkZeros(); err != nil {
		return err
	}
	return driven(cmd, &c.drive, func(t loadgen.Target) (*loadgen.Result, error) {
		return loadgen.Run(cmd.Context(), aimedAt(c.config, t))
	}, printBench)
}

// aimedAt is the configuration for that target.
func aimedAt(c loadgen.Config, t loadgen.Target) loadgen.Config {
	c.Endpoints, c.Token, c.NS, c.Prefix, c.Timeout, c.Watch = t.Endpoints, t.Token, t.NS, t.Prefix, t.Timeout, t.Watch
	return c
}
