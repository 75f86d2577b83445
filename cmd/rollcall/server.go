package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/node"
)

func newServer() *cobra.Command {
	var s nodeSettings
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run a node of a cluster",
		Long: "Run a node of a cluster until SIGINT or SIGTERM, which let it hand over and leave; a second one ends it at once.\n\n" +
			"Every flag is also a key of the --config file (YAML) and an environment variable (--data-dir is\n" +
			"ROLLCALL_DATA_DIR); the flag wins over the variable, and that over the file.",
		Example: "  rollcall server --node-id n1 --data-dir /var/lib/rollcall --bootstrap-expect 3 --join n1,n2,n3 \\\n" +
			"    --http-addr :7700 --raft-addr :7701 --gossip-addr :7702 --advertise n1",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runServer(cmd, &s) },
	}
	s.flags(cmd)
	return cmd
}

func runServer(cmd *cobra.Command, s *nodeSettings) error {
	log, err := s.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	cfg := s.config()
	cfg.Logger = log
	warnOfPlainTraffic(log, &cfg)
	return runNode(cmd.Context(), cfg, s.debugAddr, func(n *node.Node) {
		log.Info("ready", "node", cfg.NodeID, "http", n.HTTPAddr())
	})
}

// runNode runs a node until ctx ends and calls ready once it serves.
func runNode(ctx context.Context, cfg node.Config, debugAddr string, ready func(*node.Node)) error {
	profiles, err := openProfiles(debugAddr)
	if err != nil {
		return err
	}
	defer profiles.close()
	cfg.Registry = prometheus.NewRegistry()
	if err := node.ConnectTelemetry(cfg.Registry); err != nil {
		return err
	}
	n, err := node.Open(cfg)
	if errors.Is(err, node.ErrConfig) {
		return &exitError{exitUsage, err}
	}
	if err != nil {
		return explainOccupied(err)
	}
	beside, cancel := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	tasks.Go(func() { paceHeap(beside) })
	tasks.Go(func() { profiles.serve(beside) })
	tasks.Go(func() {
		if n.Ready(beside) == nil {
			ready(n)
		}
	})
	err = n.Run(ctx)
	cancel()
	tasks.Wait()
	return err
}

// warnOfPlainTraffic tells of every port that others than this machine reach:
// what goes over it is neither encrypted nor authenticated.
func warnOfPlainTraffic(log *slog.Logger, cfg *node.Config) {
	for _, bound := range []struct{ setting, addr string }{
		{"http-addr", cfg.HTTPAddr}, {"raft-addr", cfg.RaftAddr}, {"gossip-addr", cfg.GossipAddr},
	} {
		if !isLoopback(bound.addr) {
			log.Warn("bound beyond loopback without encryption or authentication: let only a network that you trust reach it",
				"setting", bound.setting, "address", bound.addr)
		}
	}
}
