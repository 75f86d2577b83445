package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// reference reads a page of the reference.
func reference(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// settingRows returns the settings of configuration.md with their defaults as
// they stand there, "" where there is none or words say it.
func settingRows(t *testing.T) map[string]string {
	t.Helper()
	rows := make(map[string]string)
	settings, _, _ := strings.Cut(reference(t, "configuration.md"), "\n## ")
	for line := range strings.Lines(settings) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.Contains(cells[1], "`") {
			continue
		}
		keys, defaults := strings.Split(cells[1], ","), strings.Split(cells[2], ",")
		for i, key := range keys {
			value := ""
			if len(defaults) == len(keys) {
				value = strings.Trim(defaults[i], " `")
			}
			rows[strings.Trim(key, " `")] = value
		}
	}
	return rows
}

// TestEverySettingIsDocumented holds configuration.md against the flags of the
// server: every one has a row with its default, and nothing else has.
func TestEverySettingIsDocumented(t *testing.T) {
	rows := settingRows(t)
	newServer().Flags().VisitAll(func(f *pflag.Flag) {
		documented, ok := rows[f.Name]
		delete(rows, f.Name)
		switch {
		case !isSetting(f.Name):
		case !ok:
			t.Errorf("--%s has no row in configuration.md", f.Name)
		case f.Name != "node-id" && f.Name != "advertise" && !sameDefault(f, documented):
			t.Errorf("--%s is %q unless set, configuration.md has %q", f.Name, f.DefValue, documented)
		}
	})
	for name := range rows {
		t.Errorf("configuration.md has %s, the server no such flag", name)
	}
}

func sameDefault(f *pflag.Flag, documented string) bool {
	if f.Value.Type() == "duration" {
		is, err := time.ParseDuration(f.DefValue)
		says, wrong := time.ParseDuration(documented)
		return err == nil && wrong == nil && is == says
	}
	return strings.Trim(f.DefValue, "[]") == documented
}

// TestLimitsNameFlags holds the flags that limits.md names against the server's.
func TestLimitsNameFlags(t *testing.T) {
	named := regexp.MustCompile("`--([a-z-]+)`").FindAllStringSubmatch(reference(t, "limits.md"), -1)
	if len(named) < 20 {
		t.Errorf("found only %d flags in limits.md: has its form changed?", len(named))
	}
	for _, m := range named {
		if newServer().Flags().Lookup(m[1]) == nil {
			t.Errorf("limits.md names --%s, which the server does not know", m[1])
		}
	}
}
