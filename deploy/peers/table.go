package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// Between these two lines of a page stands the table.
const (
	tableBegin = "<!-- peers:begin -->"
	tableEnd   = "<!-- peers:end -->"
)

var errMarkers = errors.New("has no " + tableBegin + " before a " + tableEnd)

// markdown renders the report.
func (r *report) markdown() string {
	var out strings.Builder
	for _, fact := range r.facts {
		fmt.Fprintf(&out, "- %s\n", fact)
	}
	for _, w := range r.works {
		if len(w.entries) > 0 {
			r.table(&out, w)
		}
	}
	return out.String()
}

func (r *report) table(out *strings.Builder, w *work) {
	fmt.Fprintf(out, "\n### %s\n\n%s\n\n|", w.title, w.told())
	for _, c := range w.columns {
		fmt.Fprintf(out, " | %s", c.title)
	}
	fmt.Fprintf(out, " | what an answer means |\n|%s\n", strings.Repeat(" --- |", len(w.columns)+2))
	for _, e := range w.entries {
		fmt.Fprintf(out, "| %s |", e.label)
		for i, c := range w.columns {
			fmt.Fprintf(out, " %s |", cell(figures(r.about[e], i), c, i == 0))
		}
		fmt.Fprintf(out, " %s |\n", e.means)
	}
}

// told is what is measured, and in how many rounds where that is not all.
func (w *work) told() string {
	switch w.most {
	case 0:
		return w.about
	case 1:
		return w.about + " In the first round only."
	default:
		return fmt.Sprintf("%s In the first %d rounds at most.", w.about, w.most)
	}
}

// cell is the median of a column, and of the figure itself the extremes, too,
// where there was more than one run.
func cell(sorted []float64, c column, figure bool) string {
	middle := median(sorted)
	switch {
	case math.IsNaN(middle):
		return "-"
	case !figure:
		return c.format(middle)
	case len(sorted) == 1:
		return c.format(middle) + " (one run)"
	default:
		return fmt.Sprintf("%s (%s; %s)", c.format(middle), c.format(sorted[0]), c.format(sorted[len(sorted)-1]))
	}
}

// replaceTable puts a table between the markers of a page.
func replaceTable(page, table string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	before, rest, found := strings.Cut(string(text), tableBegin)
	_, after, found2 := strings.Cut(rest, tableEnd)
	if !found || !found2 {
		return fmt.Errorf("%s %w", page, errMarkers)
	}
	return os.WriteFile(page, []byte(before+tableBegin+"\n"+table+tableEnd+after), 0o644)
}

// count writes a whole number with commas, from ten thousand to the nearest
// hundred.
func count(n float64) string {
	whole := int64(math.Round(n))
	if whole >= 10_000 || whole <= -10_000 {
		whole = (whole + 50) / 100 * 100
	}
	digits := strconv.FormatInt(whole, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func millis(ms float64) string { return short(ms) + " ms" }

func micros(us float64) string { return short(us) + " µs" }

func seconds(s float64) string { return short(s) + " s" }

// short writes a figure to two digits at least.
func short(v float64) string {
	switch magnitude := math.Abs(v); {
	case magnitude >= 1000:
		return count(v)
	case magnitude >= 10:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case magnitude >= 1:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}
