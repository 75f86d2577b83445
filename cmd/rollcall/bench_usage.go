package main

import (
	"fmt"
	"io"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// printUsage prints what a run took of the nodes and of the driver.
func printUsage(w io.Writer, u loadgen.Usage) error {
	fmt.Fprintln(w)
	t := newTable(w, "NODE", "CPU", "A REQUEST", "RESIDENT", "GREW BY", "HEAP", "RAFT ENTRIES")
	for _, n := range u.Nodes {
		if n.Error == "" {
			usageRow(t, n.Endpoint, n.Used)
		}
	}
	if len(u.Nodes) > 1 {
		usageRow(t, "all nodes", u.All)
	}
	usageRow(t, "this driver", u.Driver)
	if err := t.print(); err != nil {
		return err
	}
	for _, n := range u.Nodes {
		if n.Error != "" {
			fmt.Fprintf(w, "what %s used is not known: %s\n", n.Endpoint, printable(n.Error))
		}
	}
	return nil
}

func usageRow(t *table, name string, u loadgen.Used) {
	t.row(name, told("%.1f %%", u.CPUPercent, 1), told("%.2f µs", u.CPUMicros, 1), told("%.1f MB", u.Resident, 1e6),
		told("%.1f MB", u.ResidentGrew, 1e6), told("%.1f MB", u.Heap, 1e6), told("%.0f/s", u.RaftEntriesPerS, 1))
}

// told writes a figure in units of so many, or nothing where nobody told it.
func told(format string, figure *float64, unit float64) string {
	if figure == nil {
		return ""
	}
	return fmt.Sprintf(format, *figure/unit)
}

// newLatencyTable is a table whose rows latencyRow adds.
func newLatencyTable(w io.Writer, of string) *table {
	return newTable(w, of, "P50", "P90", "P99", "P99.9", "P99.99", "MAX")
}

func latencyRow(t *table, name string, l loadgen.Latency) {
	t.row(name, ms(l.P50), ms(l.P90), ms(l.P99), ms(l.P999), ms(l.P9999), ms(l.Max))
}

// printOpenLoop says how well a schedule was kept, if there was one.
func printOpenLoop(w io.Writer, o *loadgen.OpenLoop) {
	if o == nil {
		return
	}
	fmt.Fprintf(w, "\nopen loop: %s requests a second were due, %s were acknowledged; latency counts from when a request was due\n",
		number(int64(o.OfferedPerS)), number(int64(o.AchievedPerS)))
	fmt.Fprintf(w, "%s waited for their connection; the driver itself was behind by %s at p50, %s at p99, %s at most\n",
		number(o.Waited), ms(o.Behind.P50), ms(o.Behind.P99), ms(o.Behind.Max))
	if o.Overtaxed() {
		fmt.Fprintf(w, "THE SCHEDULE WAS NOT KEPT: %s of %s requests were never sent; more --workers, or less --rate\n", number(o.Unsent), number(o.Due))
	}
	if o.Late() {
		fmt.Fprintln(w, "THE DRIVER WAS LATE: its machine is too busy for this schedule, and the latencies are partly its own")
	}
}
