package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// someReport is one that was not measured.
func someReport() *report {
	fast := &entry{peer: ours, label: "rollcall, one way", means: "on the disks of a majority"}
	slow := &entry{peer: etcds, label: "etcd, another", means: "in memory"}
	never := &entry{peer: always, label: "Redis, that failed"}
	late := &entry{peer: ours, label: "rollcall", means: "an entry"}
	return &report{
		facts:    []string{"Measured some day.", "Machine: none."},
		progress: io.Discard,
		works: []*work{
			{name: "first", title: "First", about: "What is done.", columns: rates(), entries: []*entry{fast, slow, never}},
			{name: "none", title: "Nobody does this", columns: rates()},
			{name: "second", title: "Second", about: "How late.", most: 1, columns: []column{{"late by", millis}, {"bytes", count}, {"in", seconds}}, entries: []*entry{late}},
		},
		about: map[*entry][]sample{
			fast: {{70_123, 1.26, 9.96, 31.4}, {69_000, 1.3, 11, 30}, {81_456, 0.012, 10, 32}},
			slow: {{999.4, 512, 1234.5, unknown}, {1000.4, 514, 1300, unknown}},
			late: {{-3, 12_345_678, 4.04}},
		},
		faults: map[*entry]error{never: errAnswer},
	}
}

func TestTable(t *testing.T) {
	golden := filepath.Join("testdata", "table.md")
	got := someReport().markdown()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the table is not that of %s (-update writes it anew):\n%s", golden, got)
	}
}

func TestFailureNamesTheEntry(t *testing.T) {
	err := someReport().failure()
	if !errors.Is(err, errPartial) || !errors.Is(err, errAnswer) || !strings.Contains(err.Error(), "first: Redis, that failed") {
		t.Errorf("failure = %v", err)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		samples []sample
		want    string
	}{
		{nil, "-"},
		{[]sample{{3}}, "3.0 s (one run)"},
		{[]sample{{9}, {1}, {4}}, "4.0 s (1.0 s; 9.0 s)"},
		{[]sample{{9}, {1}, {4}, {5}}, "4.5 s (1.0 s; 9.0 s)"},
	} {
		if got := cell(figures(c.samples, 0), column{format: seconds}, true); got != c.want {
			t.Errorf("cell of %v = %s, want %s", c.samples, got, c.want)
		}
	}
}

func TestWorksThatTakeLongAreDoneInFewerRounds(t *testing.T) {
	for _, c := range []struct {
		most, rounds int
		about        string
	}{
		{0, 5, "So."}, {1, 1, "So. In the first round only."}, {3, 3, "So. In the first 3 rounds at most."},
	} {
		w := &work{about: "So.", most: c.most}
		rounds := 0
		for round := range 5 {
			if !w.done(round) {
				rounds++
			}
		}
		if rounds != c.rounds || w.told() != c.about {
			t.Errorf("most %d: %d rounds, %s", c.most, rounds, w.told())
		}
	}
}

func TestReplaceTable(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("above\n" + tableBegin + "\nold\n" + tableEnd + "\nbelow\n")
	for _, table := range []string{"one\n", "another\n"} {
		if err := replaceTable(page, table); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(page)
		if want := "above\n" + tableBegin + "\n" + table + tableEnd + "\nbelow\n"; err != nil || string(got) != want {
			t.Errorf("the page is %q (%v), want %q", got, err, want)
		}
	}
	write("above\n" + tableEnd + "\n" + tableBegin + "\nbelow\n")
	if err := replaceTable(page, "one\n"); !errors.Is(err, errMarkers) {
		t.Errorf("markers the wrong way round: %v", err)
	}
}

// TestTheRealPageHasTheMarkers reads the page that make bench-peers writes.
func TestTheRealPageHasTheMarkers(t *testing.T) {
	text, err := os.ReadFile("../../docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "benchmarks.md")
	if err := os.WriteFile(page, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := replaceTable(page, "table\n"); err != nil {
		t.Error(err)
	}
}

func TestVersions(t *testing.T) {
	for line, want := range map[string]string{
		"etcd Version: 3.4.23":                         "3.4.23",
		"Redis server v=7.0.15 sha=00000000:0 bits=64": "7.0.15",
		"etcd of unknown version":                      "etcd of unknown version",
	} {
		if got := numberIn(line); got != want {
			t.Errorf("numberIn(%q) = %q, want %q", line, got, want)
		}
	}
}
