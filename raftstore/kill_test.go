package raftstore

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

const childEnv = "RAFTSTORE_TEST_CHILD"

// writeUntilKilled is the child: it opens the directory, appends entries, votes,
// now and then cuts the end of the log, and says on its output what is on disk.
func writeUntilKilled(path string) int {
	d, err := OpenDir(path, "n1")
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("open")
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 0))
	for {
		_, last := d.log.bounds()
		n := uint64(1 + rng.IntN(8))
		if err := d.log.StoreLogs(commands(last+1, last+n)); err != nil {
			fmt.Println("error", err)
			return 1
		}
		if rng.IntN(4) == 0 { // a conflict: cut, and written anew
			if err := errors.Join(d.log.DeleteRange(last+1, last+n), d.log.StoreLogs(commands(last+1, last+n))); err != nil {
				fmt.Println("error", err)
				return 1
			}
		}
		if err := d.log.SetUint64([]byte(keyCurrentTerm), last+n); err != nil {
			fmt.Println("error", err)
			return 1
		}
		fmt.Println("stored", last+n)
	}
}

// TestKilledProcessLosesNothing kills a writing process again and again, at
// the first start too; what it had acknowledged must be there.
func TestKilledProcessLosesNothing(t *testing.T) {
	path := t.TempDir()
	var acknowledged uint64
	for round := range 20 {
		if got := runAndKill(t, path, time.Duration(round)*3*time.Millisecond); got > 0 {
			acknowledged = got
		}
		d, err := OpenDir(path, "n1")
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		checkSurvived(t, d, acknowledged)
		must(t, d.Close())
	}
	if acknowledged == 0 {
		t.Fatal("no round got as far as to store anything")
	}
}

// runAndKill returns the last index that the child said was stored, 0 if none.
func runAndKill(t *testing.T, path string, after time.Duration) (acknowledged uint64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+path)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	timer := time.AfterFunc(20*time.Millisecond+after, func() { child.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		if word == "error" {
			t.Errorf("child: %s", rest)
		}
		if n, err := strconv.ParseUint(rest, 10, 64); err == nil && word == "stored" {
			acknowledged = n
		}
	}
	child.Wait() //nolint:errcheck // it was killed
	return acknowledged
}

func checkSurvived(t *testing.T, d *Dir, acknowledged uint64) {
	t.Helper()
	first, last := d.log.bounds()
	if last < acknowledged {
		t.Fatalf("log ends at %d, acknowledged was %d", last, acknowledged)
	}
	term, _ := d.log.GetUint64([]byte(keyCurrentTerm))
	if term < acknowledged {
		t.Fatalf("term %d, acknowledged was %d", term, acknowledged)
	}
	for i := first; i <= last && i > 0; i++ {
		must(t, d.log.GetLog(i, new(raft.Log)))
	}
}
