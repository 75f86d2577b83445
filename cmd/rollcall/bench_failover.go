package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// benchFailoverCommand kills leaders of a cluster of its own.
type benchFailoverCommand struct {
	output
	config loadgen.FailoverConfig
}

func newBenchFailover() *cobra.Command {
	var c benchFailoverCommand
	d := loadgen.FailoverDefaults()
	cmd := &cobra.Command{
		Use:   "failover",
		Short: "Start three nodes, kill their leader again and again, and tell for how long nothing could be written",
		Long: "Start three nodes as children of this process, on loopback and with their data in a temporary directory, and kill\n" +
			"the leader, as kill -9 does, while clients write. Each round ends with all three ready and a check by reads of the\n" +
			"leader. It fails when something acknowledged was lost or a lease that was renewed ended. The nodes end with the\n" +
			"command, however it ends, and their data is removed.",
		Example: "  rollcall bench failover --rounds 10\n" +
			"  rollcall bench failover --leases 100000 --server-arg --raft-multiplier=2 -o json",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.output.flag(cmd)
	f := cmd.Flags()
	f.IntVar(&c.config.Rounds, "rounds", d.Rounds, "how often to kill, 1 to 1000")
	f.IntVar(&c.config.Leases, "leases", d.Leases, "how many leases are held meanwhile, 1 to 1000000")
	f.DurationVar(&c.config.TTL, "ttl", d.TTL, "of each lease")
	f.DurationVar(&c.config.Steady, "steady", d.Steady, "how long to write before each kill")
	f.DurationVar(&c.config.Patience, "patience", d.Patience, "how long to wait for a commit, and for a node to be ready")
	f.StringArrayVar(&c.config.ServerArgs, "server-arg", nil, "a further argument of rollcall server; repeat for more")
	return cmd
}

func (c *benchFailoverCommand) run(cmd *cobra.Command) error {
	d := &c.config
	if d.Rounds == 0 || d.Leases == 0 || d.TTL == 0 || d.Steady == 0 || d.Patience == 0 {
		return wrongUsage("--rounds, --leases, --ttl, --steady, --patience: want more than 0")
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("this system does not tell where the program is that is to run as nodes: %w", err)
	}
	d.Binary, d.Bind, d.Prefix = self, bindLives, benchPrefix()
	return shown(cmd, &c.output, func(watch func(loadgen.Progress)) (*loadgen.FailoverResult, error) {
		d.Watch = watch
		return loadgen.RunFailover(cmd.Context(), *d)
	}, printBenchFailover)
}

func printBenchFailover(w io.Writer, r *loadgen.FailoverResult) error {
	fmt.Fprintf(w, "%d leaders of three nodes killed in %.1f s, %s leases of TTL %s held meanwhile\n\n",
		len(r.Rounds), r.Seconds, number(int64(r.Leases)), milliseconds(r.TTLMS))
	t := newTable(w, "ROUND", "KILLED", "FIRST COMMIT", "LONGEST GAP", "READY AGAIN", "LOST", "ENDED")
	for i, round := range r.Rounds {
		t.row(fmt.Sprint(i+1), round.Killed, reached(round.FirstCommit), reached(round.Gap), reached(round.Ready),
			number(round.RenewalsLost+round.GrantsLost), number(round.LeasesEnded))
	}
	t.row("median", "", reached(r.FirstCommit.Median), reached(r.Gap.Median), reached(r.Ready.Median), "", "")
	t.row("worst", "", reached(r.FirstCommit.Worst), reached(r.Gap.Worst), reached(r.Ready.Worst),
		number(r.RenewalsLost+r.GrantsLost), number(r.LeasesEnded))
	err := t.print()
	fmt.Fprintf(w, "\nacknowledged meanwhile: %s grants, %s renewals\n", number(r.Grants), number(r.Renewals))
	printUnverified(w, r.Unverified)
	printErrors(w, r.ErrorCodes)
	printInterrupted(w, r.Interrupted)
	return err
}

// reached is nothing for what a round did not get to.
func reached(v float64) string {
	if v == 0 {
		return ""
	}
	return ms(v)
}
