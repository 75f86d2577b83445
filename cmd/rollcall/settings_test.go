package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

type someSettings struct {
	name  string
	hosts []string
	after time.Duration
	edge  bool
}

func (s *someSettings) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.String("config", "", "")
	f.StringVar(&s.name, "node-id", "from default", "")
	f.StringSliceVar(&s.hosts, "join", nil, "")
	f.DurationVar(&s.after, "dead-node-after", time.Hour, "")
	f.BoolVar(&s.edge, "edge", false, "")
	return f
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rollcall.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSettingsRiseFromFileToEnvironmentToFlag(t *testing.T) {
	file := writeFile(t, "node-id: from file\njoin: [a, b]\ndead-node-after: 2h\n# a comment\nedge: true\n")
	for _, step := range []struct{ variable, flag, want string }{
		{"", "", "from file"},
		{"from environment", "", "from environment"},
		{"from environment", "from flag", "from flag"},
		{"", "from flag", "from flag"},
	} {
		var s someSettings
		f := s.flags()
		t.Setenv("ROLLCALL_NODE_ID", step.variable)
		if step.flag != "" {
			if err := f.Parse([]string{"--node-id", step.flag}); err != nil {
				t.Fatal(err)
			}
		}
		if err := settle(f, file); err != nil {
			t.Fatal(err)
		}
		if s.name != step.want || !slices.Equal(s.hosts, []string{"a", "b"}) || s.after != 2*time.Hour || !s.edge {
			t.Errorf("%+v gave %+v", step, s)
		}
	}
}

func TestKeysOfTheFileHaveUnderscoresOrHyphens(t *testing.T) {
	for _, text := range []string{"node_id: a\ndead_node_after: 2h\n", "node-id: a\ndead-node-after: 2h\n"} {
		var s someSettings
		if err := settle(s.flags(), writeFile(t, text)); err != nil || s.name != "a" || s.after != 2*time.Hour {
			t.Errorf("%q gave %+v, %v", text, s, err)
		}
	}
}

func TestEnvironmentListsHaveCommas(t *testing.T) {
	t.Setenv("ROLLCALL_JOIN", "n1,n2:7702")
	var s someSettings
	if err := settle(s.flags(), ""); err != nil || !slices.Equal(s.hosts, []string{"n1", "n2:7702"}) {
		t.Fatalf("got %q, %v", s.hosts, err)
	}
}

func TestMistakesInSettingsAreNamed(t *testing.T) {
	for name, test := range map[string]struct{ file, variable, want string }{
		"unknown key":       {"node-id: a\nnode-di: b\n", "", `rollcall.yaml:2: unknown key "node-di"`},
		"not a setting":     {"config: other.yaml\n", "", `rollcall.yaml:1: unknown key "config"`},
		"twice":             {"edge: true\nedge: false\n", "", `rollcall.yaml:2: key "edge" stands twice`},
		"twice, two ways":   {"node_id: a\nnode-id: b\n", "", `rollcall.yaml:2: key "node-id" stands twice`},
		"wrong value":       {"dead-node-after: soon\n", "", "rollcall.yaml:1: invalid argument"},
		"nested":            {"join:\n  a: b\n", "", "rollcall.yaml:1: join: want a value or a list"},
		"null":              {"join:\n", "", "rollcall.yaml:1: join: want a value"},
		"not a mapping":     {"- a\n", "", "want lines of key: value"},
		"not YAML":          {"a: b: c\n", "", "read configuration"},
		"wrong environment": {"", "never", "environment variable ROLLCALL_DEAD_NODE_AFTER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ROLLCALL_DEAD_NODE_AFTER", test.variable)
			var s someSettings
			err := settle(s.flags(), writeFile(t, test.file))
			var exit *exitError
			if err == nil || !strings.Contains(err.Error(), test.want) || !errors.As(err, &exit) || exit.code != exitUsage {
				t.Fatalf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestEmptyFileSettlesNothing(t *testing.T) {
	var s someSettings
	if err := settle(s.flags(), writeFile(t, "# nothing\n")); err != nil || s.name != "from default" {
		t.Fatalf("got %+v, %v", s, err)
	}
}
