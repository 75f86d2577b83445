package main

import (
	"crypto/rand"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seed-b4c92e43/rollcall/clientsdk"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

type benchCommand struct {
	connection
	output
	config loadgen.Config
}

func newBench() *cobra.Command {
	var c benchCommand
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Register leases, renew them as fast as the cluster answers, and tell how fast that was",
		Long: "Register leases, renew them for a while over keep-alive connections, each sending its next request when the one\n" +
			"before was answered, and tell how fast that was. Progress goes to standard error, the result to standard output.\n" +
			"It ends by itself; Ctrl-C ends it early with what was measured. The leases are ended afterwards.",
		Example: "  rollcall bench --leases 100000 --workers 512 --duration 30s \\\n" +
			"    --endpoints http://127.0.0.1:7700,http://127.0.0.1:7710,http://127.0.0.1:7720\n" +
			"  rollcall bench --mode batch --batch 1000 --codec binary -o json\n" +
			"  rollcall bench --mode session --workers 64 --pipeline 100",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	c.flags(cmd)
	return cmd
}

func (c *benchCommand) flags(cmd *cobra.Command) {
	f, d := cmd.Flags(), loadgen.Defaults()
	f.StringSliceVar(&c.config.Endpoints, "endpoints", nil, "endpoints to spread the connections over (those of --addr unless set)")
	f.StringVar(&c.config.Mode, "mode", d.Mode, "single: one request a heartbeat; batch: many; session: over WebSockets")
	f.IntVar(&c.config.Leases, "leases", d.Leases, "how many leases to hold")
	f.IntVar(&c.config.Workers, "workers", d.Workers, "how many connections; fewer in batch mode when there is not a batch for each")
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
	if len(c.config.Endpoints) == 0 {
		c.config.Endpoints = c.addr
	}
	c.config.NS, c.config.Timeout, c.config.Token = c.ns, c.timeout, os.Getenv(clientsdk.EnvToken)
	c.config.Prefix = "bench-" + strings.ToLower(rand.Text()[:8]) + "-" // two runs at once do not meet
	show := newProgress(cmd.ErrOrStderr(), isTerminal(cmd.ErrOrStderr()))
	c.config.Watch = show.update
	result, err := loadgen.Run(cmd.Context(), c.config)
	show.finish()
	if errors.Is(err, loadgen.ErrConfig) {
		return &exitError{exitUsage, err}
	}
	if err != nil {
		return err
	}
	if err := c.print(cmd, result); err != nil {
		return err
	}
	return result.Failed()
}

func (c *benchCommand) print(cmd *cobra.Command, result *loadgen.Result) error {
	if c.json() {
		return printJSON(cmd.OutOrStdout(), result)
	}
	return printBench(cmd.OutOrStdout(), result)
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
