package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	quoted  = regexp.MustCompile("`([^`\n]+)`")
	planted = regexp.MustCompile(`(\d+) planted bugs, one by one \((\d+) in the registry itself, (\d+) in the`)
)

// TestEveryTestNamedExists looks up each test that a page names in the package
// that stands before it.
func TestEveryTestNamedExists(t *testing.T) {
	named, dir := 0, ""
	text := page(t, "testing.md") + page(t, "reference/limits.md") + page(t, "benchmarks.md")
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		if files, _ := filepath.Glob(filepath.Join("..", m[1], "*_test.go")); len(files) > 0 {
			dir = m[1]
		}
		if !strings.HasPrefix(m[1], "Test") {
			continue
		}
		named++
		name, _, _ := strings.Cut(m[1], "/")
		if !strings.Contains(sources(t, dir), "\nfunc "+name+"(") {
			t.Errorf("no %s in %s", name, dir)
		}
	}
	if named < 50 {
		t.Errorf("found only %d tests in testing.md: has its form changed?", named)
	}
}

// TestPlantedBugsAreCounted holds the numbers of testing.md against the two
// structs of switches.
func TestPlantedBugsAreCounted(t *testing.T) {
	inRegistry := switches(page(t, "../registry/faults.go"), "Faults")
	inNode := switches(page(t, "../registry/sim/bugs.go"), "Bugs")
	m := planted.FindStringSubmatch(page(t, "testing.md"))
	if m == nil {
		t.Fatal("testing.md does not tell how many bugs are planted")
	}
	for i, want := range []int{inRegistry + inNode, inRegistry, inNode} {
		if m[i+1] != strconv.Itoa(want) {
			t.Errorf("testing.md tells of %s bugs, there are %d", m[i+1], want)
		}
	}
}

// switches counts the fields of a struct that are bool.
func switches(source, name string) int {
	_, rest, _ := strings.Cut(source, "\ntype "+name+" struct {")
	fields, _, _ := strings.Cut(rest, "\n}")
	return len(regexp.MustCompile(`(?m)^\t\w+ +bool\b`).FindAllString(fields, -1))
}

func sources(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		all.WriteString(page(t, file))
	}
	return all.String()
}

func page(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
