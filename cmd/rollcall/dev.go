package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/node"
)

// ephemeral lets the system choose a port, so that several such nodes run side
// by side.
const ephemeral = "127.0.0.1:0"

func newDev() *cobra.Command {
	var s nodeSettings
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run one node on this machine, ready at once",
		Long: "Run one node on this machine, on loopback, ready at once. Its data is in a temporary directory that is removed\n" +
			"at the end, unless --data-dir names one.",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runDev(cmd, &s) },
	}
	s.flags(cmd)
	for flag, value := range map[string]string{
		"node-id": "dev", "raft-addr": ephemeral, "gossip-addr": ephemeral, "log-level": "error",
	} {
		f := cmd.Flags().Lookup(flag)
		f.DefValue = value
		_ = f.Value.Set(value) // strings, all of them
	}
	return cmd
}

func runDev(cmd *cobra.Command, s *nodeSettings) (err error) {
	log, err := s.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	cfg := s.config()
	cfg.Logger = log
	if cfg.DataDir == "" {
		if cfg.DataDir, err = os.MkdirTemp("", "rollcall-dev-"); err != nil {
			return fmt.Errorf("make a temporary data directory: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.DataDir)) }()
	}
	return runDevNode(cmd.Context(), cfg, s.debugAddr, log, cmd.OutOrStdout())
}

func runDevNode(ctx context.Context, cfg node.Config, debugAddr string, log *slog.Logger, out io.Writer) error {
	warnOfPlainTraffic(log, &cfg)
	err := runNode(ctx, cfg, debugAddr, func(n *node.Node) { banner(out, n.HTTPAddr(), cfg.DataDir) })
	if err == nil {
		fmt.Fprintln(out, "rollcall has stopped.")
	}
	return err
}

func banner(w io.Writer, addr, dataDir string) {
	endpoint := ownEndpoint(addr)
	environment := ""
	if endpoint != "http://127.0.0.1:7700" {
		environment = "ROLLCALL_ADDR=" + endpoint + " "
	}
	fmt.Fprintf(w, `rollcall is READY at %s (data in %s, Ctrl-C ends it)

In another terminal, hold a lease for as long as a command runs:

    %[3]srollcall run --service web --id web-1 -- sleep 60

and ask who is alive:

    %[3]srollcall alive web
    curl '%[1]s/v1/alive?service=web'

`, endpoint, dataDir, environment)
}
