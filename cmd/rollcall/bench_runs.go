package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

const runsUsage = "how often to measure, 1 to 100; the figures are then the medians"

// figure is one figure of several runs.
type figure struct {
	name   string
	format string
	values []float64 // sorted
}

func figureOf[R any](name string, runs []R, value func(R) float64, format string) figure {
	f := figure{name: name, format: format}
	for _, r := range runs {
		f.values = append(f.values, value(r))
	}
	slices.Sort(f.values)
	return f
}

func latencyFigures[R any](runs []R, of func(R) loadgen.Latency) []figure {
	return []figure{
		figureOf("p50", runs, func(r R) float64 { return of(r).P50 }, "%.2f ms"),
		figureOf("p99", runs, func(r R) float64 { return of(r).P99 }, "%.2f ms"),
		figureOf("p99.9", runs, func(r R) float64 { return of(r).P999 }, "%.2f ms"),
		figureOf("max", runs, func(r R) float64 { return of(r).Max }, "%.2f ms"),
	}
}

// printRuns prints how far the runs were apart, if there were several.
func printRuns(w io.Writer, figures []figure) error {
	if len(figures[0].values) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := newTable(w, fmt.Sprintf("OF %d RUNS", len(figures[0].values)), "MEDIAN", "LEAST", "MOST")
	for _, f := range figures {
		n := len(f.values)
		t.row(f.name, fmt.Sprintf(f.format, f.values[(n-1)/2]), fmt.Sprintf(f.format, f.values[0]), fmt.Sprintf(f.format, f.values[n-1]))
	}
	return t.print()
}

// ofRuns says that figures are medians.
func ofRuns(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; medians of %d runs", n)
}
