package scaling

import (
	"fmt"
	"math"
	"strings"
)

// grid is a table in Markdown, which a terminal shows well enough.
type grid struct{ lines [][]string }

func newGrid(columns ...string) *grid { return &grid{lines: [][]string{columns}} }

func (g *grid) row(cells ...string) { g.lines = append(g.lines, cells) }

// String pads the columns, so that the text can be read as it is.
func (g *grid) String() string {
	widths := make([]int, len(g.lines[0]))
	for _, line := range g.lines {
		for i, cell := range line {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for n, line := range g.lines {
		for i, cell := range line {
			fmt.Fprintf(&b, "| %s%s ", cell, strings.Repeat(" ", widths[i]-len([]rune(cell))))
		}
		b.WriteString("|\n")
		if n == 0 {
			b.WriteString(strings.Repeat("| --- ", len(line)) + "|\n")
		}
	}
	return b.String()
}

// number renders a figure with the digits that mean something: two, or three
// where the first is a one, and millions by name.
func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "never"
	case v == 0:
		return "0"
	case v >= 1e6:
		return trimmed(v/1e6) + " M"
	case v >= 1000:
		return grouped(int(round(v)))
	}
	return trimmed(v)
}

func round(v float64) float64 {
	digits := math.Pow(10, math.Floor(math.Log10(v))-1)
	if v/digits < 20 {
		digits /= 10
	}
	return math.Round(v/digits) * digits
}

func trimmed(v float64) string {
	s := fmt.Sprintf("%.4f", round(v))
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func percent(v float64) string { return number(v*100) + " %" }

// seconds renders a time.
func seconds(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "never"
	case v < 0.001:
		return "at once"
	case v < 1:
		return number(v*1000) + " ms"
	}
	return number(v) + " s"
}
