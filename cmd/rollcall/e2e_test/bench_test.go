//go:build e2e

package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// failoverBench prepares a bench that has nodes of its own, which keep their
// data below the directory that is returned.
func failoverBench(t *testing.T, args ...string) (*exec.Cmd, string) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(rollcall, append([]string{"bench", "failover", "--leases", "50", "--steady", "500ms", "-o", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	return cmd, dir
}

// nodesBelow counts the processes that were started with data below dir.
func nodesBelow(dir string) (n int) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, line := range lines {
		text, _ := os.ReadFile(line) // it may have ended just now
		if bytes.Contains(text, []byte("server\x00")) && bytes.Contains(text, []byte(dir)) {
			n++
		}
	}
	return n
}

func TestBenchKillsLeadersOfItsOwn(t *testing.T) {
	cmd, dir := failoverBench(t, "--rounds", "2", "--server-arg", "--raft-multiplier=2")
	out, err := cmd.Output()
	var got struct {
		Rounds []struct {
			FirstCommit float64 `json:"first_commit_ms"`
			Gap         float64 `json:"gap_ms"`
			Ready       float64 `json:"ready_ms"`
		} `json:"rounds"`
		Lost     int64 `json:"renewals_lost"`
		Ended    int64 `json:"leases_ended"`
		Renewals int64 `json:"renewals"`
	}
	if err != nil || json.Unmarshal(out, &got) != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(got.Rounds) != 2 || got.Lost != 0 || got.Ended != 0 || got.Renewals == 0 {
		t.Errorf("got %s", out)
	}
	for _, r := range got.Rounds {
		if r.FirstCommit < 50 || r.Gap < r.FirstCommit/2 || r.Ready <= 0 {
			t.Errorf("round %+v", r)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 || nodesBelow(dir) != 0 {
		t.Errorf("%d directories and %d nodes are left", len(left), nodesBelow(dir))
	}
}

// TestBenchTakesItsNodesAlong ends the bench in two ways while it runs.
func TestBenchTakesItsNodesAlong(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		cmd, dir := failoverBench(t, "--rounds", "1000")
		progress, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(progress); lines.Scan() && !strings.HasPrefix(lines.Text(), "rounds"); {
		}
		if nodesBelow(dir) == 0 {
			t.Error("no nodes were found")
		}
		_ = cmd.Process.Signal(signal)
		err = cmd.Wait()
		if signal == syscall.SIGINT && err != nil {
			t.Errorf("after %v: %v", signal, err)
		}
		eventually(t, time.Minute, "the nodes end with the bench", func() bool { return nodesBelow(dir) == 0 })
	}
}
