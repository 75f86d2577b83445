package docs

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/seed-b4c92e43/rollcall/"

// row is one row of the table of floors.
type row struct {
	floor   int
	imports []string
}

// TestFloors holds every package to its row of the table in architecture.md,
// as Go's own go/build/deps_test.go does for the standard library. A package's
// own tests are held to it, too; external test packages (package x_test) may
// import what they like, for nothing can import them.
func TestFloors(t *testing.T) {
	table := readTable(t)
	packages := readImports(t)
	for path, imports := range packages {
		r, ok := table[path]
		if !ok {
			t.Errorf("%s has no row in architecture.md", path)
			continue
		}
		for _, imported := range imports {
			if !slices.Contains(r.imports, imported) {
				t.Errorf("%s imports %s, which its row in architecture.md does not name", path, imported)
			}
		}
	}
	for path := range table {
		if _, ok := packages[path]; !ok {
			t.Errorf("%s has a row in architecture.md, but is no package", path)
		}
	}
}

// TestFloorsGoDown checks the table itself: who may be imported stands below.
func TestFloorsGoDown(t *testing.T) {
	table := readTable(t)
	for path, r := range table {
		for _, imported := range r.imports {
			below, ok := table[imported]
			if !ok {
				t.Errorf("%s may import %s, which has no row", path, imported)
			} else if below.floor >= r.floor {
				t.Errorf("%s on floor %d may import %s on floor %d: imports go down", path, r.floor, imported, below.floor)
			}
		}
	}
}

var rowPattern = regexp.MustCompile("^\\| (\\d+) \\| `([^`]+)` \\| ([^|]*)\\|")

func readTable(t *testing.T) map[string]row {
	t.Helper()
	text, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[string]row)
	for line := range strings.Lines(string(text)) {
		m := rowPattern.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if _, twice := table[m[2]]; twice {
			t.Errorf("%s has two rows in architecture.md", m[2])
		}
		floor, _ := strconv.Atoi(m[1])
		table[m[2]] = row{floor, strings.Fields(strings.ReplaceAll(m[3], "`", ""))}
	}
	if len(table) < 5 {
		t.Fatalf("found only %d rows in architecture.md: has its table changed its form?", len(table))
	}
	return table
}

// readImports returns, for every package of the module, which others of it its
// files import.
func readImports(t *testing.T) map[string][]string {
	t.Helper()
	packages := make(map[string][]string)
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "testdata" || path != ".." && (strings.HasPrefix(name, ".") || isModule(path))) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		return readFile(packages, path)
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// isModule tells whether a directory is a module of its own, which has no floor.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func readFile(packages map[string][]string, path string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	dir, err := filepath.Rel("..", filepath.Dir(path))
	if err != nil {
		return err
	}
	dir = filepath.ToSlash(dir)
	if strings.HasSuffix(file.Name.Name, "_test") {
		return nil
	}
	if _, known := packages[dir]; !known {
		packages[dir] = nil
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if ours, ok := strings.CutPrefix(imported, module); ok && !slices.Contains(packages[dir], ours) {
			packages[dir] = append(packages[dir], ours)
		}
	}
	return nil
}
