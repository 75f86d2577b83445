package main

import (
	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// benchCommand renews leases; the commands below it drive other loads.
type benchCommand struct {
	drive
	config loadgen.Config
}

func newBench() *cobra.Command {
	var c benchCommand
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Register leases, renew them as fast as the cluster answers, and tell how fast that was",
		Long: "Register leases, renew them for a while over keep-alive connections, each sending its next request when the one\n" +
			"before was answered, and tell how fast that was. Progress goes to standard error, the result to standard output.\n" +
			"It ends by itself; Ctrl-C ends it early with what was measured. The leases are ended afterwards.\n" +
			"The commands below drive watches, mail, lists and idle connections, let leases fall silent and leaders die, or\ndrive all at once for long.",
		Example: "  rollcall bench --leases 100000 --workers 512 --duration 30s \\\n" +
			"    --endpoints http://127.0.0.1:7700,http://127.0.0.1:7710,http://127.0.0.1:7720\n" +
			"  rollcall bench --mode batch --batch 1000 --codec binary -o json\n" +
			"  rollcall bench --mode session --workers 64 --pipeline 100",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.drive.flags(cmd)
	c.flags(cmd)
	cmd.AddCommand(newBenchWatch(), newBenchMail(), newBenchIdle(), newBenchList(), newBenchStorm(), newBenchFailover(), newBenchSoak())
	return cmd
}

func (c *benchCommand) flags(cmd *cobra.Command) {
	f, d := cmd.Flags(), loadgen.Defaults()
	f.StringVar(&c.config.Mode, "mode", d.Mode, "single: one request a heartbeat; batch: many; session: over WebSockets")
	f.IntVar(&c.config.Leases, "leases", d.Leases, "how many leases to hold")
	f.IntVar(&c.config.Workers, "workers", d.Workers, "how many connections; fewer where each would renew more at once than its leases")
	f.DurationVar(&c.config.Duration, "duration", d.Duration, "how long to renew")
	f.DurationVar(&c.config.TTL, "ttl", d.TTL, "of each lease; longer than one round over all of them")
	f.IntVar(&c.config.Batch, "batch", d.Batch, "beats a request in batch mode, 1 to 10000")
	f.IntVar(&c.config.Pipeline, "pipeline", d.Pipeline, "heartbeats in flight on each connection in session mode, 1 to 1024")
	f.StringVar(&c.config.Codec, "codec", d.Codec, "of a batch: json, cbor or binary; of a session: json or cbor")
	f.StringVar(&c.config.Service, "service", d.Service, "service of the leases")
	f.BoolVar(&c.config.Keep, "keep", false, "leave the leases to their TTL afterwards")
}

// checkZeros refuses what the driver would take for a field that is not set.
func (c *benchCommand) checkZeros() error {
	d := &c.config
	if d.Leases == 0 || d.Workers == 0 || d.Batch == 0 || d.Pipeline == 0 || d.Duration == 0 || d.TTL == 0 {
		return wrongUsage("--leases, --workers, --batch, --pipeline, --duration, --ttl: want more than 0")
	}
	return nil
}

func (c *benchCommand) run(cmd *cobra.Command) error {
	if err := c.checkZeros(); err != nil {
		return err
	}
	return driven(cmd, &c.drive, func(t loadgen.Target) (*loadgen.Result, error) {
		c.config.Endpoints, c.config.Token, c.config.NS = t.Endpoints, t.Token, t.NS
		c.config.Prefix, c.config.Timeout, c.config.Watch = t.Prefix, t.Timeout, t.Watch
		return loadgen.Run(cmd.Context(), c.config)
	}, printBench)
}
