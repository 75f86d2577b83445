package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

// output is how a command answers: a table for people or the endpoint's body
// for programs.
type output struct{ format string }

func (o *output) flag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.format, "output", "o", "table", "table, or json for the endpoint's body (ROLLCALL_OUTPUT)")
	before(cmd, func(cmd *cobra.Command) error {
		if err := settleFromEnvironment(cmd.Flags(), "output"); err != nil {
			return err
		}
		if o.format != "table" && o.format != "json" {
			return wrongUsage("output %q: want table or json", o.format)
		}
		return nil
	})
}

func (o *output) json() bool { return o.format == "json" }

// printBody prints the endpoint's body as it came, with one line feed behind.
func printBody(w io.Writer, body []byte) {
	_, _ = w.Write(append(bytes.TrimSpace(body), '\n'))
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// table prints aligned columns, two spaces apart so that they fit a terminal of
// 80. What comes from clients is made harmless for terminals.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer, columns ...string) *table {
	t := &table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.row(columns...)
	return t
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		if c == "" {
			c = "-"
		}
		cells[i] = printable(c)
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

func (t *table) print() error {
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// printable replaces what a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// milliseconds renders a span of the wire with two or three digits that matter.
func milliseconds(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d < 0:
		return "-" + milliseconds(-ms)
	case d >= time.Hour:
		return plain(d.Round(time.Minute))
	case d >= 10*time.Second:
		return plain(d.Round(time.Second))
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.String()
	}
}

// plain leaves out the noughts at the end: 24h0m0s is 24h.
func plain(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
