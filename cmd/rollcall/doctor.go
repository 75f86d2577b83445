package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// Verdicts of a finding.
const (
	verdictOK   = "ok"
	verdictWarn = "warn"
	verdictFail = "fail"
)

// finding is what one check found.
type finding struct {
	Verdict string `json:"verdict"`
	Check   string `json:"check"`
	Found   string `json:"found"`
	Do      string `json:"do,omitempty"` // what to do about it
}

type doctorCommand struct {
	connection
	output
	dataDir string
}

func newDoctor() *cobra.Command {
	var c doctorCommand
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine the cluster and say what is wrong and what to do; exit code 1 when something is, 4 without a leader",
		Args:  arguments(0, 0, ""),
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	cmd.Flags().StringVar(&c.dataDir, "data-dir", "", "also examine the data directory of a node on this machine")
	return cmd
}

func (c *doctorCommand) run(cmd *cobra.Command) error {
	clients, err := c.clients()
	if err != nil {
		return err
	}
	seen := c.examine(cmd.Context(), clients)
	findings := seen.findings()
	if c.dataDir != "" {
		findings = append(findings, checkDataDir(c.dataDir)...)
	}
	if err := c.print(cmd.OutOrStdout(), findings); err != nil {
		return err
	}
	return conclude(findings, seen)
}

// clients makes a client for each endpoint, so that none answers for another.
func (c *doctorCommand) clients() (map[string]*remote, error) {
	clients := make(map[string]*remote)
	for _, addr := range c.addr {
		r, err := c.clientOf(addr)
		if err != nil {
			return nil, err
		}
		clients[addr] = r
	}
	return clients, nil
}

func (c *doctorCommand) clientOf(addr string) (*remote, error) {
	config := c.config()
	config.Endpoints = []string{addr}
	config.Retry = clientsdk.Retry{Tries: 1}
	return openRemote(config)
}

// examine asks every endpoint, then the nodes that the cluster knows beside
// them.
func (c *doctorCommand) examine(ctx context.Context, clients map[string]*remote) *examination {
	seen := newExamination()
	for _, addr := range c.addr {
		seen.add(visit(ctx, addr, clients[addr]))
		clients[addr].close()
	}
	for node, addr := range seen.unvisited() {
		r, err := c.clientOf(addr)
		if err != nil {
			continue
		}
		v := visit(ctx, addr, r)
		v.hearsay = node
		seen.add(v)
		r.close()
	}
	return seen
}

func (c *doctorCommand) print(w io.Writer, findings []finding) error {
	if c.json() {
		return printJSON(w, map[string]any{"findings": findings})
	}
	for _, f := range findings {
		fmt.Fprintf(w, "%-4s  %-12s  %s\n", f.Verdict, f.Check, printable(f.Found))
		if f.Do != "" {
			fmt.Fprintf(w, "%20s→ %s\n", "", f.Do)
		}
	}
	return nil
}

func conclude(findings []finding, seen *examination) error {
	failed := 0
	for _, f := range findings {
		if f.Verdict == verdictFail {
			failed++
		}
	}
	switch {
	case failed == 0:
		return nil
	case seen.leaderless():
		return &exitError{exitNoQuorum, fmt.Errorf("%s failed, and no leader is known", count(uint64(failed), "check"))}
	default:
		return fmt.Errorf("%s failed", count(uint64(failed), "check"))
	}
}
