package loadgen

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Comparison is what became of the figures of older results. As JSON it is the
// object of `bench compare -o json`.
type Comparison struct {
	Mode    string     `json:"mode"`
	OldRuns int        `json:"old_runs"`
	NewRuns int        `json:"new_runs"`
	Figures []Compared `json:"figures"`
	Differ  []Setting  `json:"differ"` // what is no figure and not the same
}

// Compared is one figure. One that only one side has has no change.
type Compared struct {
	Name    string   `json:"name"` // the path of its members: latency_ms.p99
	Old     *Range   `json:"old"`
	New     *Range   `json:"new"`
	Percent *float64 `json:"change_percent"` // of the medians; null where there was nothing, too
	Overlap bool     `json:"overlap"`        // the ranges have a value in common: the change may be chance
}

// Range is one figure over several runs.
type Range struct {
	Median float64 `json:"median"` // of an even number of runs the lower of the middle two
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

// Setting is what is no number, as the codec. Several texts have commas between
// them.
type Setting struct {
	Name string `json:"name"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// Compare compares the figures of two files. Those of different modes are
// refused: none of their figures means the same.
func Compare(before, after *Results) (*Comparison, error) {
	if before.Mode != after.Mode {
		return nil, fmt.Errorf("%w: the old ones are of %s, the new ones of %s", errModes, before.Mode, after.Mode)
	}
	c := &Comparison{Mode: before.Mode, OldRuns: before.Runs, NewRuns: after.Runs, Figures: []Compared{}, Differ: []Setting{}}
	for _, name := range allNames(before, after) {
		c.Figures = append(c.Figures, compared(name, rangeOf(before.all[name]), rangeOf(after.all[name])))
	}
	names := slices.Sorted(maps.Keys(before.texts))
	for _, name := range names {
		was, is := before.texts[name], after.texts[name]
		if len(is) > 0 && !slices.Equal(was, is) {
			c.Differ = append(c.Differ, Setting{name, strings.Join(was, ","), strings.Join(is, ",")})
		}
	}
	return c, nil
}

// allNames are those of the older file, and behind them what is new.
func allNames(before, after *Results) []string {
	names := slices.Clone(before.names)
	for _, name := range after.names {
		if _, known := before.all[name]; !known {
			names = append(names, name)
		}
	}
	return names
}

func rangeOf(sorted []float64) *Range {
	n := len(sorted)
	if n == 0 {
		return nil
	}
	return &Range{Median: sorted[(n-1)/2], Least: sorted[0], Most: sorted[n-1]}
}

func compared(name string, was, is *Range) Compared {
	c := Compared{Name: name, Old: was, New: is}
	if was == nil || is == nil {
		return c
	}
	c.Overlap = was.Least <= is.Most && is.Least <= was.Most
	if was.Median != 0 {
		c.Percent = new(100 * (is.Median/was.Median - 1))
	}
	return c
}

// Same says that a figure had one value in all runs of both sides.
func (c *Compared) Same() bool {
	return c.Old != nil && c.New != nil && *c.Old == *c.New && c.Old.Least == c.Old.Most
}
