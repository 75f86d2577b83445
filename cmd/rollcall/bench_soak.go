package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// benchSoakCommand drives a mixed load for long.
type benchSoakCommand struct {
	drive
	config loadgen.SoakConfig
}

func newBenchSoak() *cobra.Command {
	var c benchSoakCommand
	d := loadgen.SoakDefaults()
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Drive a mixed, moderate load for long, and tell what grew",
		Long: "Renew leases at a rate while others fall silent and come back, watchers hear of those, messages are sent and read,\n" +
			"and lists are asked for; sample what each node holds meanwhile. Goroutines, open files, heap in use and resident\n" +
			"memory should be flat: the median of the last third of the run may exceed that of the first by --growth, or by 50\n" +
			"goroutines, 20 files, 16 MiB and 32 MiB, whichever is more. Sizes of files are told only. It fails when one grows by\n" +
			"more or cannot be judged, a node was restarted or is dead at the end, something acknowledged was lost, a lease that\n" +
			"was renewed died, or one that was silent did not.",
		Example: "  rollcall bench soak --duration 1h --rate 2000 --leases 5000\n" +
			"  rollcall bench soak --duration 24h --every 1m --growth 0.1 -o json",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.drive.flags(cmd)
	f := cmd.Flags()
	f.DurationVar(&c.config.Duration, "duration", d.Duration, "how long; three times --every at least")
	f.IntVar(&c.config.Leases, "leases", d.Leases, "how many leases live on")
	f.Float64Var(&c.config.Rate, "rate", d.Rate, "single heartbeats a second of these; three of each within its TTL at least")
	f.DurationVar(&c.config.TTL, "ttl", d.TTL, "of these")
	f.IntVar(&c.config.Flappers, "flappers", d.Flappers, "how many leases fall silent and come back; -1 for none")
	f.IntVar(&c.config.Watchers, "watchers", d.Watchers, "how many watches of the flappers; -1 for none")
	f.Float64Var(&c.config.Mail, "mail", d.Mail, "messages a second, in bursts of five seconds; -1 for none")
	f.Float64Var(&c.config.Lists, "lists", d.Lists, "lists a second of the leases that live on; -1 for none")
	f.DurationVar(&c.config.Every, "every", d.Every, "between two samples of what the nodes hold")
	f.Float64Var(&c.config.Growth, "growth", d.Growth, "by which what should be flat may grow; 0.3 is 30 %")
	return cmd
}

func (c *benchSoakCommand) run(cmd *cobra.Command) error {
	d := &c.config
	if d.Duration == 0 || d.Leases == 0 || d.Rate == 0 || d.TTL == 0 || d.Every == 0 || d.Growth == 0 {
		return wrongUsage("--duration, --leases, --rate, --ttl, --every, --growth: want more than 0")
	}
	if d.Flappers == 0 || d.Watchers == 0 || d.Mail == 0 || d.Lists == 0 {
		return wrongUsage("--flappers, --watchers, --mail, --lists: want more than 0, or -1 for none")
	}
	return driven(cmd, &c.drive, func(t loadgen.Target) (*loadgen.SoakResult, error) {
		d.Target = t
		return loadgen.RunSoak(cmd.Context(), *d)
	}, printBenchSoak)
}

func printBenchSoak(w io.Writer, r *loadgen.SoakResult) error {
	fmt.Fprintf(w, "%s leases renewed %s times (%s a second) in %.0f s; %s silences buried, %s events, %s messages, %s lists\n\n",
		number(int64(r.Leases)), number(r.Renewals), number(int64(r.RenewalsPerS)), r.Seconds,
		number(r.Flaps), number(r.Events), number(r.Delivered), number(r.Lists))
	t := newLatencyTable(w, "OF A REQUEST")
	latencyRow(t, "heartbeat", r.Latency)
	if err := t.print(); err != nil {
		return err
	}
	if err := printGrowth(w, r); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nrenewals lost %s, renewed ones that died %s, buried early %s, silent ones not buried %s\n",
		number(r.RenewalsLost), number(r.LiveDied), number(r.FlappedEarly), number(r.Unburied))
	printUnverified(w, r.Unverified)
	fmt.Fprintf(w, "events twice or out of order %s, watches that broke %s; lists that were not whole %s; messages lost or altered %s\n",
		number(r.Disordered), number(r.Broken), number(r.ListsWrong), number(r.Lost+r.Twice+r.Altered+r.Strange+r.Unsorted+r.Gaps))
	printErrors(w, r.ErrorCodes)
	printLeft(w, r.LeasesLeft)
	printInterrupted(w, r.Interrupted)
	return nil
}

// printGrowth tells what each node held.
func printGrowth(w io.Writer, r *loadgen.SoakResult) error {
	fmt.Fprintf(w, "\nmedians of %s samples; what should be flat may grow by %.0f %%\n\n", number(int64(r.Samples)), 100*r.Growth)
	t := newTable(w, "NODE", "FIGURE", "FIRST THIRD", "LAST THIRD", "GREW BY", "JUDGED")
	for _, n := range r.Nodes {
		for _, f := range n.Figures {
			t.row(n.Endpoint, strings.TrimSuffix(f.Name, "_bytes"), amount(f.Name, f.First), amount(f.Name, f.Last), fmt.Sprintf("%.1f %%", 100*f.Growth), verdict(f))
		}
	}
	if err := t.print(); err != nil {
		return err
	}
	for _, n := range r.Nodes {
		if n.Missing > 0 || n.Restarts > 0 {
			fmt.Fprintf(w, "%s: %d samples are missing, %d restarts\n", n.Endpoint, n.Missing, n.Restarts)
		}
		if n.Dead {
			fmt.Fprintf(w, "%s: DID NOT ANSWER AT THE END\n", n.Endpoint)
		}
		if len(n.Unjudged) > 0 {
			fmt.Fprintf(w, "%s: could not be judged: %s\n", n.Endpoint, strings.Join(n.Unjudged, ", "))
		}
	}
	return nil
}

func amount(name string, n float64) string {
	if strings.HasSuffix(name, "_bytes") {
		return megabytes(n)
	}
	return number(int64(n))
}

func verdict(f loadgen.Figure) string {
	switch {
	case f.Exceeded:
		return "TOO MUCH"
	case f.Flat:
		return "yes"
	default:
		return "no"
	}
}
