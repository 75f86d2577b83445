//go:build failpoint

package raftstore

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// failEnv says how this build is to fail, as NAME=exit, NAME=exit@N (the Nth
// time that the point is passed) or NAME=NUMBER for what can be tuned, with
// commas between several.
const failEnv = "ROLLCALL_FAIL"

// failExit is the exit code at a failpoint.
const failExit = 86

// failpoints are the names that can be told to exit: what is being done, and
// how far it got.
var failpoints = []string{
	"directory-made", "file-written", "file-synced", "file-renamed", "database-made", "creation-done",
	"log-append-before", "log-append-inside", "log-append-after",
	"stable-store-before", "stable-store-inside", "stable-store-after",
	"log-cut-before", "log-cut-inside", "log-cut-after",
	"log-clear-before", "log-clear-inside", "log-clear-after",
	"image-write-before", "image-write-inside", "image-write-after",
	"write-node.json-before", "write-node.json-after",
	"snapshot-drained", "snapshot-begun", "snapshot-whole", "snapshot-kept",
	"receive-snapshot-before", "receive-snapshot-after", "install-snapshot-adopted",
	"install-snapshot-before", "install-snapshot-inside", "install-snapshot-after",
}

// tunables can be told a number: bytes of log between snapshots, what is taken for
// half of state.db there, and whether bbolt syncs (0: no, which loses what was
// acknowledged when the power goes).
var tunables = []string{"snapshot-bytes", "snapshot-half", "sync"}

// failure is what the environment asks for.
type failure struct {
	exit  string // name of the point, "" for none
	left  atomic.Int64
	tuned map[string]uint64
}

var failing = mustReadFailure(os.Getenv(failEnv))

func mustReadFailure(text string) *failure {
	f, err := readFailure(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, failEnv+":", err)
		os.Exit(2)
	}
	return f
}

func readFailure(text string) (*failure, error) {
	f := &failure{tuned: make(map[string]uint64)}
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if err := f.take(name, value); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *failure) take(name, value string) error {
	if action, times, _ := strings.Cut(value, "@"); action == "exit" && slices.Contains(failpoints, name) {
		n, err := strconv.ParseInt(times, 10, 64)
		if times == "" {
			n, err = 1, nil
		}
		f.exit = name
		f.left.Store(n)
		return err
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || !slices.Contains(tunables, name) {
		return fmt.Errorf("cannot do %s=%s", name, value)
	}
	f.tuned[name] = n
	return nil
}

// failAt ends the process, if it was told to, at once and without a word to
// anybody else in it.
func failAt(doing, stage string) {
	if failing.exit == "" || failing.exit != strings.ReplaceAll(doing, " ", "-")+"-"+stage {
		return
	}
	if failing.left.Add(-1) == 0 {
		fmt.Fprintln(os.Stderr, "failpoint", failing.exit)
		os.Exit(failExit)
	}
}

func tuned(name string, normal uint64) uint64 {
	if n, ok := failing.tuned[name]; ok {
		return n
	}
	return normal
}
