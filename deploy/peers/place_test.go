package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLeftoversAreRemoved plants the directory of a run that was killed beside
// one of a run that lives.
func TestLeftoversAreRemoved(t *testing.T) {
	parent := t.TempDir()
	dead := filepath.Join(parent, placePattern+"dead")
	if err := os.MkdirAll(filepath.Join(dead, "etcd-1"), 0o700); err != nil {
		t.Fatal(err)
	}
	living, err := newPlace(parent, 18930)
	if err != nil {
		t.Fatal(err)
	}
	second, err := newPlace(parent, 18930)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the leftover is there: %v", err)
	}
	if _, err := os.Stat(living.dir); err != nil {
		t.Errorf("the directory of a run that lives: %v", err)
	}
	if err := errors.Join(living.leave(), second.leave()); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(parent); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := place{ports: l.Addr().(*net.TCPAddr).Port - 2}
	if err := p.checkPorts(); err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), "PORTS=") {
		t.Errorf("port %s is taken: %v", l.Addr(), err)
	}
}

func TestMemoryIsNoDisk(t *testing.T) {
	if _, err := os.Stat("/dev/shm"); err != nil {
		t.Skip("no file system in memory here")
	}
	if out, err := exec.Command("stat", "-f", "-c", "%T", "/dev/shm").Output(); err != nil || strings.TrimSpace(string(out)) != "tmpfs" {
		t.Skip("/dev/shm is not in memory here")
	}
	if err := checkDisk("/dev/shm"); !errors.Is(err, errInMemory) {
		t.Errorf("a place in memory: %v", err)
	}
}
