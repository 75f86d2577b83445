//go:build linux

package main

import (
	"os"
	"strings"
	"testing"
)

func TestScenariosOf(t *testing.T) {
	for text, want := range map[string]int{
		"kill": 1, "kill,pause": 2, "kill+pause": 1, "kill+pause+loss,delay": 2,
		"all": len(faults), "pairs": len(faults) * (len(faults) - 1) / 2, "all,pairs": len(faults) * (len(faults) + 1) / 2,
	} {
		list, err := scenariosOf(text)
		if err != nil || len(list) != want {
			t.Errorf("%s: %d scenarios, %v; want %d", text, len(list), err, want)
		}
	}
	for _, text := range []string{"", "nonsense", "kill+", "kill pause"} {
		if _, err := scenariosOf(text); err == nil {
			t.Errorf("%q is a list of scenarios", text)
		}
	}
	list, err := scenariosOf("kill+delay")
	if err != nil || list[0].String() != "kill+delay" {
		t.Errorf("%v, %v", list, err)
	}
}

func TestEveryFaultIsDescribed(t *testing.T) {
	page, err := os.ReadFile("../../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if !strings.Contains(string(page), "`"+f.name+"`") || f.about == "" {
			t.Errorf("%s is not in docs/testing.md", f.name)
		}
	}
}
