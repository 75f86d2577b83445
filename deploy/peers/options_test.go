package main

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	o, err := parseOptions(nil, io.Discard)
	if err != nil || !o.whole() || o.command() != "make bench-peers ROUNDS=5 DURATION=5s" {
		t.Errorf("no flags: %+v, %q (%v)", o, o.command(), err)
	}
	o, err = parseOptions([]string{"--peers", "redis,rollcall,redis", "--works", "storm", "--rounds", "2", "--duration", "1s"}, io.Discard)
	if err != nil || o.whole() || !slices.Equal(o.peers, []string{"redis", "rollcall"}) {
		t.Errorf("some: %+v (%v)", o, err)
	}
	if want := "make bench-peers ROUNDS=2 DURATION=1s PEERS=redis,rollcall WORKS=storm"; o.command() != want {
		t.Errorf("command = %q, want %q", o.command(), want)
	}
}

func TestOptionsThatThereAreNot(t *testing.T) {
	for _, args := range []string{
		"--peers consul", "--works nothing", "--rounds 0", "--rounds 101", "--duration 0s", "--duration 11m",
		"--ports 0", "--ports 65530", "--nothing", "word",
	} {
		if _, err := parseOptions(strings.Fields(args), io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// TestMissingProgramsAreNamed says what to install, and only for what is asked.
func TestMissingProgramsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	o := options{peers: []string{"etcd", "redis"}}
	err := checkPrograms(o)
	if !errors.Is(err, errMissing) {
		t.Fatalf("nothing is installed: %v", err)
	}
	for _, want := range []string{"apt-get install etcd-server", "apt-get install redis-server", "PEERS="} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if o.peers = nil; checkPrograms(o) != nil {
		t.Error("nothing is asked for, and something is missing")
	}
}

// TestWorksAreWhole holds what the table is made of.
func TestWorksAreWhole(t *testing.T) {
	for _, w := range works() {
		if w.name == "" || w.title == "" || w.about == "" || len(w.columns) == 0 || len(w.entries) == 0 {
			t.Errorf("%q lacks something", w.name)
		}
		for _, e := range w.entries {
			if e.run == nil || e.label == "" || strings.ContainsAny(e.label+e.means, "|\n") {
				t.Errorf("%s: entry %q cannot be a row", w.name, e.label)
			}
			if e.peer != machine && !slices.Contains(peerNames, e.peer.name) {
				t.Errorf("%s: %s cannot be chosen", e.label, e.peer.name)
			}
		}
	}
}
