//go:build linux

// Nemesis runs several nodes of a cluster as real processes on a network of its
// own, lets a fleet of clients use them, breaks one thing after another, and
// holds what the clients were told against the promises. It needs root, ip and
// iptables, and touches nothing outside of its own namespaces (see package lab).
//
// It proves nothing about disks: package raftstore's tests do.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/lab"
)

// config is what a run is asked for.
type config struct {
	seed      uint64
	scenarios string
	duration  time.Duration // 0: each scenario once
	nodes     int
	program   string
	report    string // directory below which reports of failed runs are kept
}

func main() {
	cfg, err := configOf(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	if cfg.scenarios == "list" {
		list()
		return
	}
	code, err := lab.Main(func(ctx context.Context, dir string) int { return inside(ctx, cfg, dir) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "nemesis:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func configOf(args []string) (cfg config, err error) {
	f := flag.NewFlagSet("nemesis", flag.ContinueOnError)
	f.Uint64Var(&cfg.seed, "seed", 0, "of what is broken when and for how long; 0: one from the clock")
	f.StringVar(&cfg.scenarios, "scenarios", "all", "names with commas between, kill+delay for two at once, all, pairs; list tells what there is")
	f.DurationVar(&cfg.duration, "duration", 0, "go on in rounds for so long; 0: every scenario once")
	f.IntVar(&cfg.nodes, "nodes", 3, "voters, 3 or 5")
	f.StringVar(&cfg.program, "program", "bin/rollcall", "the binary under test")
	f.StringVar(&cfg.report, "report", "dist/nemesis", "where the reports of failed runs go")
	err = f.Parse(args)
	if cfg.seed == 0 {
		cfg.seed = uint64(time.Now().UnixMilli())
	}
	return cfg, err
}

func list() {
	for _, f := range faults {
		fmt.Printf("%-10s %s\n", f.name, f.about)
	}
}

// inside is the program in its namespaces.
func inside(ctx context.Context, cfg config, dir string) int {
	scenarios, err := scenariosOf(cfg.scenarios)
	if err != nil {
		fmt.Fprintln(os.Stderr, "nemesis:", err)
		return 2
	}
	raiseFiles()
	l, err := lab.Open(cfg.nodes, dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "nemesis:", err)
		return 1
	}
	defer l.Close()
	r := newRun(cfg, l, scenarios)
	if err := r.do(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "nemesis:", err)
	}
	return r.finish(dir)
}

// raiseFiles makes room for floods.
func raiseFiles() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		limit.Cur = limit.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
}
