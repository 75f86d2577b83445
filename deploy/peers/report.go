package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// unknown stands for a figure that was not measured.
var unknown = math.NaN()

// report is what all rounds measured.
type report struct {
	works  []*work
	facts  []string // of the run: when, where, with which versions
	about  map[*entry][]sample
	faults map[*entry]error // the first of each

	progress io.Writer
}

// newReport picks the works and entries that were asked for.
func newReport(ctx context.Context, o options, now time.Time) *report {
	r := &report{about: make(map[*entry][]sample), faults: make(map[*entry]error), progress: io.Discard, facts: facts(ctx, o, now)}
	for _, w := range works() {
		if slices.Contains(o.works, w.name) {
			w.entries = slices.DeleteFunc(w.entries, func(e *entry) bool {
				return e.peer != machine && !slices.Contains(o.peers, e.peer.name)
			})
			r.works = append(r.works, w)
		}
	}
	return r
}

// note runs an entry and keeps what it measured.
func (r *report) note(e *entry, w *work, run func() (sample, error)) {
	began := time.Now()
	got, err := run()
	if err == nil && len(got) != len(w.columns) {
		err = fmt.Errorf("%w: %d figures for %d columns", errAnswer, len(got), len(w.columns))
	}
	if err != nil {
		r.failed(e, err)
		return
	}
	r.about[e] = append(r.about[e], got)
	fmt.Fprintf(r.progress, "%8.1fs  %s: %s\n", time.Since(began).Seconds(), e.label, w.columns[0].format(got[0]))
}

func (r *report) failed(e *entry, err error) {
	if r.faults[e] == nil {
		r.faults[e] = err
	}
	fmt.Fprintf(r.progress, "          %s: %v\n", e.label, err)
}

// failure is what could not be measured.
func (r *report) failure() error {
	var all error
	for _, w := range r.works {
		for _, e := range w.entries {
			if err := r.faults[e]; err != nil {
				all = errors.Join(all, fmt.Errorf("%w: %s: %s: %w", errPartial, w.name, e.label, err))
			}
		}
	}
	return all
}

// figures are those of one column over all rounds, sorted.
func figures(samples []sample, column int) []float64 {
	var out []float64
	for _, s := range samples {
		out = append(out, s[column])
	}
	slices.Sort(out)
	return out
}

// median of figures that are sorted; unknown of none.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return unknown
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
