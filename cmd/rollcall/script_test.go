package main

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/node"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"rollcall": func() { os.Exit(program(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the scripts of testdata/script: the real binary against a
// node of each script's own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               startNode,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"await": await},
	})
}

// await runs a command again and again until it succeeds.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: await command [argument...]")
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("waited 30 s: %v", err)
		}
	}
}

func startNode(env *testscript.Env) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	n, err := node.Open(node.Config{
		Registry: registry, NodeID: "dev", DataDir: env.WorkDir + "/.node", Version: "test",
		HTTPAddr: "127.0.0.1:0", RaftAddr: "127.0.0.1:0", GossipAddr: "127.0.0.1:0",
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- n.Run(ctx) }()
	env.Defer(func() {
		cancel()
		<-stopped
	})
	env.Setenv("ROLLCALL_ADDR", "http://"+n.HTTPAddr())
	ready, done := context.WithTimeout(ctx, 30*time.Second)
	defer done()
	return n.Ready(ready)
}
