//go:build failpoint

package raftstore

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// failingAt says on what kind of directory a failpoint is reached, and how often
// at least: each time is tried.
type failingAt struct {
	fixture func(*testing.T, *acknowledged) string
	times   []int
}

// first is a directory that is not there yet.
func first(t *testing.T, _ *acknowledged) string { return filepath.Join(t.TempDir(), "a", "b") }

func where(point string) failingAt {
	switch point {
	case "directory-made":
		return failingAt{first, []int{1, 2, 3}} // both above, snapshots
	case "database-made":
		return failingAt{first, []int{1, 2}}
	case "file-written", "file-synced":
		return failingAt{first, []int{1, 2, 3}} // node.json begun, complete, of a cluster
	case "file-renamed":
		return failingAt{first, []int{1, 2, 3, 4, 5}} // and two databases
	case "creation-done":
		return failingAt{first, []int{1, 2, 3, 4}}
	case "write-node.json-before", "write-node.json-after":
		return failingAt{first, []int{1}}
	}
	switch doing, _, _ := strings.Cut(point, "-snapshot-"); {
	case doing == "receive", doing == "install":
		return failingAt{halfInstalled, []int{1}}
	case strings.HasPrefix(point, "log-clear-"):
		return failingAt{superseded, []int{1}}
	}
	return failingAt{first, []int{1, 2, 4}}
}

// halfInstalled is as a crash leaves it between the arrival of a snapshot and its
// installation: state.db is older.
func halfInstalled(t *testing.T, a *acknowledged) string { return older(t, a, imageName) }

// superseded is as a crash leaves it between the installation of a snapshot and
// the removal of the entries that it replaces: the log ends before it.
func superseded(t *testing.T, a *acknowledged) string { return older(t, a, logName) }

// older makes a directory with a snapshot, in which a file is of before it.
func older(t *testing.T, a *acknowledged, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	synctest.Test(t, func(t *testing.T) {
		s := openSingle(t, path)
		fill(t, s, 3)
		must(t, s.machine.flush())
		putBack := copyOf(t, path, name)
		fill(t, s, 6)
		must(t, s.Snapshot())
		must(t, s.Close())
		putBack()
	})
	for i := range 6 {
		a.leases[fmt.Sprintf("web-%d", i)] = uint64(i) + 1
	}
	return path
}

// TestFailpoints ends a writing process at every failpoint, each time that it
// is reached: it comes back without help, with all that it had acknowledged,
// and once more after it went on and was killed at random.
func TestFailpoints(t *testing.T) {
	deaths := 0
	for _, point := range failpoints {
		t.Run(point, func(t *testing.T) {
			at := where(point)
			for _, n := range at.times {
				a := &acknowledged{make(map[string]uint64), make(map[int]bool)}
				path := at.fixture(t, a)
				dieAt(t, path, fmt.Sprintf("%s=exit@%d", point, n), a)
				synctest.Test(t, func(t *testing.T) { checkSurvived(t, path, a) })
				runAndKill(t, path, 80*time.Millisecond, a)
				synctest.Test(t, func(t *testing.T) { checkSurvived(t, path, a) })
				deaths++
			}
		})
	}
	t.Logf("%d deaths at %d failpoints", deaths, len(failpoints))
}

// dieAt runs the child until it ends at its failpoint, which it must.
func dieAt(t *testing.T, path, fail string, a *acknowledged) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+path, failEnv+"="+fail)
	var out, said bytes.Buffer
	child.Stdout, child.Stderr = &out, &said
	must(t, child.Start())
	timer := time.AfterFunc(20*time.Second, func() { child.Process.Kill() })
	defer timer.Stop()
	child.Wait() //nolint:errcheck // the exit code says it
	for line := range strings.Lines(out.String()) {
		if strings.HasSuffix(line, "\n") && !a.hear(line) {
			t.Errorf("%s: child: %s", fail, line)
		}
	}
	if code := child.ProcessState.ExitCode(); code != failExit {
		t.Errorf("%s was not reached: exit code %d, %s", fail, code, said.String())
	}
}

// TestFailuresAreRead: what cannot be is refused rather than ignored.
func TestFailuresAreRead(t *testing.T) {
	f, err := readFailure("file-synced=exit@3,snapshot-bytes=9,sync=0")
	if err != nil || f.exit != "file-synced" || f.left.Load() != 3 || f.tuned["snapshot-bytes"] != 9 || f.tuned["sync"] != 0 {
		t.Errorf("%+v, %v", f, err)
	}
	for _, text := range []string{"file-synced", "file-synced=exit@x", "nowhere=exit", "sync=exit", "file-synced=3"} {
		if f, err := readFailure(text); err == nil {
			t.Errorf("%s is %+v", text, f)
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(failpoints)))) != len(failpoints) {
		t.Error("a failpoint is named twice")
	}
}
