package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

func newBenchCompare() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:   "compare OLD.json NEW.json",
		Short: "Compare the results in two files of bench -o json",
		Long: "Compare the results in two files, of any one scenario, each of which may hold several objects: the median of each\n" +
			"figure, by how much it changed, and whether the ranges of the runs overlap, so that the change may be chance.\n" +
			"Figures that are the same everywhere are left out of the table.",
		Example: "  rollcall bench renew --runs 5 -o json >old.json\n  rollcall bench compare old.json new.json",
		Args:    arguments(2, 2, "OLD.json NEW.json"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return compareFiles(cmd.OutOrStdout(), args[0], args[1], out.json())
		},
	}
	out.flag(cmd)
	return cmd
}

func compareFiles(w io.Writer, oldFile, newFile string, asJSON bool) error {
	before, err := readResults(oldFile)
	if err != nil {
		return err
	}
	after, err := readResults(newFile)
	if err != nil {
		return err
	}
	c, err := loadgen.Compare(before, after)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if asJSON {
		return printJSON(w, c)
	}
	return printComparison(w, c)
}

func readResults(file string) (*loadgen.Results, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := loadgen.ReadResults(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return r, nil
}

func printComparison(w io.Writer, c *loadgen.Comparison) error {
	fmt.Fprintf(w, "%s: medians of %d and %d runs\n\n", printable(c.Mode), c.OldRuns, c.NewRuns)
	t := newTable(w, "FIGURE", "OLD", "NEW", "CHANGE", "RANGES")
	for _, f := range c.Figures {
		if !f.Same() {
			t.row(f.Name, median(f.Old), median(f.New), told("%+.1f %%", f.Percent, 1), ranges(f))
		}
	}
	if err := t.print(); err != nil {
		return err
	}
	for _, s := range c.Differ {
		fmt.Fprintf(w, "not the same: %s was %s, is %s\n", printable(s.Name), printable(s.Old), printable(s.New))
	}
	return nil
}

// median writes a median with four digits that matter, and all before the
// point.
func median(r *loadgen.Range) string {
	switch {
	case r == nil:
		return ""
	case r.Median >= 1000 || r.Median <= -1000:
		return number(int64(r.Median))
	default:
		return strconv.FormatFloat(r.Median, 'g', 4, 64)
	}
}

func ranges(f loadgen.Compared) string {
	switch {
	case f.Old == nil || f.New == nil:
		return ""
	case f.Overlap:
		return "overlap"
	default:
		return "apart"
	}
}
