package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/scaling"
)

// benchScaleCommand works out what a cluster carries. It drives nothing.
type benchScaleCommand struct {
	plan  scaling.Plan
	way   string
	costs []string
}

func newBenchScale() *cobra.Command {
	c := benchScaleCommand{plan: scaling.Defaults()}
	cmd := &cobra.Command{
		Use:   "scale",
		Short: "Work out what a cluster of a given size carries, without running one",
		Long: "Work out, from what single things cost, the load of leader, followers and edges, what runs out first, how many leases\n" +
			"fit, how long a heartbeat takes and what a failure costs. Nothing is measured and no node is asked: docs/scaling.md\n" +
			"has the unit costs, and says how far they may be trusted. --cost replaces one by its name there.",
		Example: "  rollcall bench scale --leases 5e6 --edges 9 --way session\n  rollcall bench scale --cost http_beat=20 --sync 1.5",
		Args:    arguments(0, 0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.flags(cmd)
	return cmd
}

func (c *benchScaleCommand) flags(cmd *cobra.Command) {
	f, p := cmd.Flags(), &c.plan
	f.Float64Var(&p.Leases, "leases", p.Leases, "how many leases; the services, watchers and churn are not grown with them")
	f.Float64Var(&p.PeriodS, "period", p.PeriodS, "seconds between two heartbeats of a lease")
	f.StringVar(&c.way, "way", string(p.Way), "how heartbeats come in: http, session or batch")
	f.Float64Var(&p.PerConn, "per-connection", p.PerConn, "leases on a connection")
	f.Float64Var(&p.Services, "services", p.Services, "how many services the leases are of")
	f.Float64Var(&p.Watchers, "watchers", p.Watchers, "watchers, each of one service")
	f.Float64Var(&p.ChurnPerS, "churn", p.ChurnPerS, "grants a second, and as many ends")
	f.IntVar(&p.Voters, "voters", p.Voters, "voters of a group: 1, 3 or 5")
	f.IntVar(&p.Edges, "edges", p.Edges, "edges of a group, at most 1000; with any, they take all connections")
	f.IntVar(&p.Groups, "groups", p.Groups, "groups, at most 1000; more than 1 is on paper")
	f.Float64Var(&p.Cores, "cores", p.Cores, "of each node")
	f.Float64Var(&p.NICGbit, "nic", p.NICGbit, "Gbit/s of each node, in each direction")
	f.Float64Var(&p.SyncMS, "sync", p.SyncMS, "milliseconds of one fdatasync, median")
	f.Float64Var(&p.DiskMBs, "disk", p.DiskMBs, "MB/s that a disk writes")
	f.Float64Var(&p.MemoryGB, "memory", p.MemoryGB, "GB of each node")
	f.Float64Var(&p.Headroom, "headroom", p.Headroom, "the part of a resource that may be used, at most 1")
	f.StringArrayVar(&c.costs, "cost", nil, "NAME=VALUE: another unit cost, by its name in docs/scaling.md; may be repeated")
}

func (c *benchScaleCommand) run(cmd *cobra.Command) error {
	costs := scaling.Measured()
	for _, text := range c.costs {
		if err := setCost(&costs, text); err != nil {
			return err
		}
	}
	c.plan.Way = scaling.Way(c.way)
	report, err := scaling.NewReport(c.plan, &costs)
	if errors.Is(err, scaling.ErrPlan) {
		return &exitError{exitUsage, err}
	}
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(cmd.OutOrStdout(), report.String()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// setCost takes NAME=VALUE.
func setCost(costs *scaling.Costs, text string) error {
	name, value, _ := strings.Cut(text, "=")
	v, err := strconv.ParseFloat(value, 64)
	if err != nil || !(v > 0) || v > 1e12 {
		return wrongUsage("--cost %q: want NAME=VALUE with a value above 0", text)
	}
	for _, row := range costs.Rows() {
		if row.Name == name {
			*row.Value = v
			return nil
		}
	}
	return wrongUsage("--cost %q: no unit cost has that name; docs/scaling.md has them all", text)
}
