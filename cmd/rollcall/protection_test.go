package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/node"
)

var someRules = []node.Protection{
	{NS: "default", Service: "web", Threshold: 0.3, MinPopulation: 20, MaxHold: 2 * time.Minute, Rate: 5},
	{NS: "acme", Threshold: 0.5, Window: 30 * time.Second},
}

func ruleFlags(rules *[]node.Protection) *pflag.FlagSet {
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.Var(ruleList{rules}, "protection", "")
	f.StringSlice("join", nil, "")
	return f
}

func TestRulesComeFromFlagsVariablesAndFiles(t *testing.T) {
	const web, acme = "ns=default,service=web,threshold=0.3,min=20,max-hold=2m,rate=5", " namespace=acme, threshold=0.5, window=30s"
	for name, given := range map[string]struct {
		flags          []string
		variable, file string
	}{
		"flags":    {flags: []string{"--protection", web, "--protection", acme}},
		"one flag": {flags: []string{"--protection", web + ";" + acme}},
		"variable": {variable: web + ";" + acme},
		"file": {file: "protection:\n  - {namespace: default, service: web, threshold: 0.3, min_population: 20, max_hold: 2m, rate: 5}\n" +
			"  - namespace: acme\n    threshold: 0.5\n    window: 30s\n"},
		"text in the file": {file: "protection: \"" + web + ";" + acme + "\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ROLLCALL_PROTECTION", given.variable)
			var rules []node.Protection
			f := ruleFlags(&rules)
			if err := f.Parse(given.flags); err != nil {
				t.Fatal(err)
			}
			if err := settle(f, writeFile(t, given.file)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(rules, someRules) {
				t.Errorf("got %+v", rules)
			}
		})
	}
}

func TestMistakesInRulesAreNamed(t *testing.T) {
	for name, tt := range map[string]struct{ file, want string }{
		"no value":       {"protection: web\n", `rollcall.yaml:1: invalid argument "web"`},
		"unknown key":    {"protection:\n  - {servcie: web}\n", "servcie: want one of namespace"},
		"not a number":   {"protection:\n  - {threshold: much}\n", "threshold: "},
		"not a duration": {"protection:\n  - {max_hold: 2}\n", "max_hold: "},
		"a list of text": {"protection: [web]\n", "protection: want a list of rules"},
		"nested":         {"protection:\n  - service: [web]\n", "protection: want a list of rules"},
		"nothing":        {"protection: []\n", "protection: want a list of rules"},
		"of other keys":  {"join:\n  - {a: b}\n", "join: want a value or a list"},
	} {
		t.Run(name, func(t *testing.T) {
			var rules []node.Protection
			err := settle(ruleFlags(&rules), writeFile(t, tt.file))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
