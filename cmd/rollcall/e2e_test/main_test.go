//go:build e2e || e2e_docker

// Package e2e_test drives the real binary: three and more processes that are
// killed, stopped and cut off (tag e2e), and three containers (tag e2e_docker).
// Traffic stays on loopback and in the containers' own network.
package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// rollcall is the path of the binary under test.
var rollcall string

func TestMain(m *testing.M) {
	for variable, run := range programs {
		if value := os.Getenv(variable); value != "" {
			os.Exit(become(variable, value, run))
		}
	}
	os.Exit(buildAndRun(m))
}

func become(variable, value string, run func(string) error) int {
	if err := run(value); err != nil {
		fmt.Fprintln(os.Stderr, variable, err)
		return 1
	}
	return 0
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rollcall-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	rollcall = filepath.Join(dir, "rollcall")
	build := exec.Command("go", "build", "-o", rollcall, "github.com/seed-b4c92e43/rollcall/cmd/rollcall")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build rollcall:", err)
		return 1
	}
	return m.Run()
}
