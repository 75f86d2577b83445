package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// errUsage is returned when the command line asks for what there is not.
var errUsage = errors.New("wrong usage")

// options is the command line.
type options struct {
	peers    []string // of peerNames; all unless given
	works    []string // of the works' names; all unless given
	rounds   int
	duration time.Duration // of each measurement that goes on for a while
	ports    int           // the first of portsNeeded
	rollcall string        // the binary
	write    string        // the page whose table is replaced; empty: none
}

func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	var peers, named string
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&peers, "peers", "", "of "+strings.Join(peerNames, ",")+"; all unless given")
	f.StringVar(&named, "works", "", "of "+strings.Join(workNames(), ",")+"; all unless given")
	f.IntVar(&o.rounds, "rounds", 5, "how often everything is measured")
	f.DurationVar(&o.duration, "duration", 5*time.Second, "of each measurement")
	f.IntVar(&o.ports, "ports", 18900, fmt.Sprintf("the first of %d ports on the loopback", portsNeeded))
	f.StringVar(&o.rollcall, "rollcall", "bin/rollcall", "the binary of rollcall")
	f.StringVar(&o.write, "write", "", "the page whose table is replaced, where all was measured")
	if err := f.Parse(args); err != nil {
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	o.peers, o.works = words(peers, peerNames), words(named, workNames())
	return o, o.validate(f.Args())
}

func (o *options) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%w: %q is no flag", errUsage, rest[0])
	case o.rounds < 1 || o.rounds > 100:
		return fmt.Errorf("%w: --rounds %d: want 1 to 100", errUsage, o.rounds)
	case o.duration <= 0 || o.duration > 10*time.Minute:
		return fmt.Errorf("%w: --duration %v: want more than 0, at most 10m", errUsage, o.duration)
	case o.ports < 1 || o.ports+portsNeeded > 1<<16:
		return fmt.Errorf("%w: --ports %d: want 1 to %d", errUsage, o.ports, 1<<16-portsNeeded)
	}
	return errors.Join(known("--peers", o.peers, peerNames), known("--works", o.works, workNames()))
}

// whole tells whether everything is measured, so that it may replace the table.
func (o *options) whole() bool {
	return len(o.peers) == len(peerNames) && len(o.works) == len(workNames())
}

// command is how to repeat the run.
func (o *options) command() string {
	out := fmt.Sprintf("make bench-peers ROUNDS=%d DURATION=%v", o.rounds, o.duration)
	if len(o.peers) < len(peerNames) {
		out += " PEERS=" + strings.Join(o.peers, ",")
	}
	if len(o.works) < len(workNames()) {
		out += " WORKS=" + strings.Join(o.works, ",")
	}
	return out
}

// words splits a list at its commas, without what stands there twice.
func words(list string, unlessGiven []string) []string {
	if list == "" {
		return unlessGiven
	}
	var out []string
	for word := range strings.SplitSeq(list, ",") {
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

func known(option string, given, all []string) error {
	for _, word := range given {
		if !slices.Contains(all, word) {
			return fmt.Errorf("%w: %s %q: want some of %s", errUsage, option, word, strings.Join(all, ","))
		}
	}
	return nil
}
