package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestFaultQuotesTheLog(t *testing.T) {
	p, err := start(t.TempDir(), "sad", "sh", "-c", "echo no room >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if err := p.fault(); err == nil || !strings.Contains(err.Error(), "no room") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("fault = %v", err)
	}
	p.kill() // of one that is gone returns at once
}

func TestStartOfNothing(t *testing.T) {
	if _, err := start(t.TempDir(), "none", "/no/such/program"); err == nil {
		t.Error("started what is not there")
	}
}

// parentVariable makes the test binary a parent that is killed.
const parentVariable = "PEERS_TEST_PARENT"

// TestServersDieWithUs kills a process that started one, and waits for the
// server's end of a pipe to be closed.
func TestServersDieWithUs(t *testing.T) {
	if os.Getenv(parentVariable) != "" {
		beParent(t)
	}
	parent := exec.Command(os.Args[0], "-test.run", "^TestServersDieWithUs$")
	parent.Env = append(os.Environ(), parentVariable+"="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Sscan(line, &child); err != nil {
		t.Fatal(err)
	}
	handle, err := os.FindProcess(child)
	if err != nil {
		t.Fatal(err)
	}
	if err := handle.Signal(syscall.Signal(0)); err != nil {
		t.Fatalf("the server does not run: %v", err)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	for range 1_000_000 {
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child)); err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Error("the server outlived the one that started it")
	_ = handle.Kill()
}

func beParent(t *testing.T) {
	p, err := start(os.Getenv(parentVariable), "server", "sleep", "600")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(p.cmd.Process.Pid)
	<-p.ended
}

func TestUsage(t *testing.T) {
	n, err := ticksOf([]byte("17 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 51 0 0 20"))
	if err != nil || n != 301 {
		t.Errorf("ticksOf = %d (%v), want 301", n, err)
	}
	if _, err := ticksOf([]byte("17 (a) S 1")); err == nil {
		t.Error("a short line is no error")
	}
	p, err := start(t.TempDir(), "idle", "sleep", "600")
	if err != nil {
		t.Fatal(err)
	}
	defer p.kill()
	m, err := p.resident()
	if err != nil || m.all <= 0 || m.anonymous > m.all {
		t.Errorf("resident = %+v (%v)", m, err)
	}
	if _, err := processorTime([]*process{p}); err != nil {
		t.Error(err)
	}
}
