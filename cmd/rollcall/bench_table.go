package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

const barWidth = 40

// printBench prints a result for people.
func printBench(w io.Writer, r *loadgen.Result) error {
	fmt.Fprintf(w, "%s: %d leases of TTL %s%s, %d connections to %d endpoints%s%s\n\n",
		r.Mode, r.Leases, milliseconds(r.TTLMS), carrying(r.Full), r.Workers, len(r.Endpoints), inFlight(r.Pipeline), ofRuns(len(r.Runs)))
	t := newTable(w, "PHASE", "ACKNOWLEDGED", "PER SECOND", "ERRORS")
	t.row("grants", number(r.Grants), number(int64(r.GrantsPerS)), number(r.GrantErrors))
	t.row("renewals", number(r.Renewals), number(int64(r.RenewalsPerS)), number(r.Errors))
	if err := t.print(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	latencies := newLatencyTable(w, "LATENCY")
	latencyRow(latencies, "grants", r.GrantLatency)
	latencyRow(latencies, "renewals", r.Latency)
	if err := errors.Join(latencies.print(), printMissed(w, r.Missed), printRuns(w, renewFigures(r)), printUsage(w, r.Usage)); err != nil {
		return err
	}
	printOpenLoop(w, r.OpenLoop)
	printNotes(w, r)
	printDistribution(w, r.Distribution)
	return nil
}

// printMissed says that percentiles are of what was acknowledged only.
func printMissed(w io.Writer, requests int64) error {
	if requests == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "%s failed requests are not in these percentiles\n", number(requests))
	return err
}

func renewFigures(r *loadgen.Result) []figure {
	return append([]figure{
		figureOf("renewals a second", r.Runs, func(one loadgen.Renewed) float64 { return one.RenewalsPerS }, "%.0f"),
		figureOf("errors", r.Runs, func(one loadgen.Renewed) float64 { return float64(one.Errors) }, "%.0f"),
	}, latencyFigures(r.Runs, func(one loadgen.Renewed) loadgen.Latency { return one.Latency })...)
}

func carrying(full bool) string {
	if !full {
		return ""
	}
	return " with address, tags and meta"
}

func inFlight(pipeline int) string {
	if pipeline == 0 {
		return ""
	}
	return fmt.Sprintf(", %d in flight on each", pipeline)
}

func printNotes(w io.Writer, r *loadgen.Result) {
	fmt.Fprintf(w, "\n%.1f s of renewing, %s requests, %.1f beats each (%s)\n", r.Seconds, number(r.Requests), r.BeatsPerRequest, r.Codec)
	printErrors(w, r.ErrorCodes)
	if r.LeasesLost > 0 {
		fmt.Fprintf(w, "leases that ended under the run: %s; their TTL is shorter than a round over all of them, raise --ttl\n", number(r.LeasesLost))
	}
	printLeft(w, r.LeasesLeft)
	printInterrupted(w, r.Interrupted)
}

func printLeft(w io.Writer, leases int) {
	if leases > 0 {
		fmt.Fprintf(w, "%d leases were left to their TTL\n", leases)
	}
}

func printUnverified(w io.Writer, leases int64) {
	if leases > 0 {
		fmt.Fprintf(w, "%s leases ended that had not been renewed within their TTL: nothing is said of them\n", number(leases))
	}
}

func printErrors(w io.Writer, codes map[string]int64) {
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		fmt.Fprintf(w, "errors of code %s: %s\n", printable(code), number(codes[code]))
	}
}

func printInterrupted(w io.Writer, interrupted bool) {
	if interrupted {
		fmt.Fprintln(w, "the run was ended early")
	}
}

func printDistribution(w io.Writer, bins []loadgen.Bin) {
	most := int64(0)
	for _, b := range bins {
		most = max(most, b.Count)
	}
	if most == 0 {
		return
	}
	fmt.Fprintln(w, "\nlatency of a request, up to")
	for _, b := range bins {
		length := int((b.Count*barWidth + most - 1) / most)
		bar := strings.Repeat("#", length) + strings.Repeat(" ", barWidth-length)
		fmt.Fprintf(w, "%14s  %s  %s\n", ms(b.UpToMS), bar, number(b.Count))
	}
}

func ms(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f ms", v)
	case v >= 10:
		return fmt.Sprintf("%.1f ms", v)
	default:
		return fmt.Sprintf("%.2f ms", v)
	}
}

// number writes an integer with commas.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
