package scaling

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var write = flag.Bool("write", false, "write the tables of docs/scaling.md anew")

const document = "../../../docs/scaling.md"

// The marks between which a table stands in the document.
const (
	opens  = "<!-- table: "
	closes = "<!-- end -->"
)

// TestDocument holds the tables of docs/scaling.md against what the program says.
// With -args -write it writes them.
func TestDocument(t *testing.T) {
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	c := Measured()
	tables := Tables(&c)
	want, used := fill(t, string(raw), tables)
	for name := range tables {
		if !used[name] {
			t.Errorf("%s has no table %s", document, name)
		}
	}
	if want == string(raw) {
		return
	}
	if !*write {
		t.Fatal("docs/scaling.md is not what the program says: go test ./cmd/internal/scaling -run TestDocument -args -write")
	}
	if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fill puts the tables between their marks.
func fill(t *testing.T, text string, tables map[string]string) (filled string, used map[string]bool) {
	t.Helper()
	var b strings.Builder
	used = make(map[string]bool)
	for {
		before, rest, found := strings.Cut(text, opens)
		b.WriteString(before)
		if !found {
			return b.String(), used
		}
		name, rest, _ := strings.Cut(rest, " -->\n")
		_, after, ended := strings.Cut(rest, closes)
		if tables[name] == "" || !ended {
			t.Fatalf("table %q is unknown, or does not end", name)
		}
		used[name] = true
		b.WriteString(opens + name + " -->\n\n" + tables[name] + "\n" + closes)
		text = after
	}
}

// TestNumbersKeepTheDigitsThatMeanSomething is a table of what is printed.
func TestNumbersKeepTheDigitsThatMeanSomething(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 0.0123: "0.0123", 0.047: "0.047", 3.14159: "3.1", 17.77: "17.8", 99.9: "100", 123.4: "123", 985: "990",
		1234: "1,230", 98_765: "99,000", 999_999: "1,000,000", 1_234_567: "1.23 M", 25e6: "25 M",
	} {
		if got := number(value); got != want {
			t.Errorf("%v is %q, want %q", value, got, want)
		}
	}
	for value, want := range map[float64]string{0.0001: "at once", 0.25: "250 ms", 12: "12 s"} {
		if got := seconds(value); got != want {
			t.Errorf("%v s is %q, want %q", value, got, want)
		}
	}
}
