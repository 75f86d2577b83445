package raftstore

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
)

const childEnv = "RAFTSTORE_TEST_CHILD"

// writeUntilKilled is the child: it opens the store, grants and renews, flushes
// and takes snapshots all the time, and says on its output what was
// acknowledged.
func writeUntilKilled(path string) int {
	if err := writeForEver(path); err != nil {
		fmt.Println("error", err)
	}
	return 1
}

func writeForEver(path string) error {
	d, err := OpenDir(path, "n1")
	if err != nil {
		return err
	}
	_, transport := raft.NewInmemTransport("n1")
	fresh := d.Fresh()
	s, err := Open(Config{
		Dir: d, Transport: transport, Multiplier: 0.1, FlushEvery: 3 * time.Millisecond, SnapshotBytes: 20_000,
		OnFatal: func(err error) { fmt.Println("error", err) },
	})
	if err != nil {
		return err
	}
	if fresh {
		if err := s.Bootstrap("n1"); err != nil {
			return err
		}
	}
	<-s.Leadership()
	for i := 0; ; i++ {
		if err := writeOnce(s, fmt.Sprintf("%d-%d", os.Getpid(), i)); err != nil {
			return err
		}
	}
}

// writeOnce grants a lease and renews it with seq 5.
func writeOnce(s *Store, id string) error {
	out, err := s.Propose(entry(grant(id))).Wait()
	if err != nil {
		return err
	}
	fmt.Println("holds", id, 0)
	if _, err := s.Propose(entry(renew(out.Results[0].Lease.Epoch, 5))).Wait(); err != nil {
		return err
	}
	fmt.Println("holds", id, 5)
	return nil
}

// TestKilledProcessLosesNothing kills a writing process again and again, at its
// first start too; what it had acknowledged must be there.
func TestKilledProcessLosesNothing(t *testing.T) {
	path := t.TempDir()
	acknowledged := make(map[string]uint64)
	for round := range 20 {
		runAndKill(t, path, time.Duration(1+round*round)*time.Millisecond, acknowledged)
		synctest.Test(t, func(t *testing.T) { checkSurvived(t, path, acknowledged) })
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	if len(acknowledged) == 0 {
		t.Fatal("no round got as far as to acknowledge anything")
	}
	t.Logf("%d leases acknowledged", len(acknowledged))
}

// runAndKill runs the child for that long, and notes what it acknowledged.
func runAndKill(t *testing.T, path string, long time.Duration, acknowledged map[string]uint64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+path)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	timer := time.AfterFunc(long, func() { child.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var id string
		var seq uint64
		if n, _ := fmt.Sscanf(lines.Text(), "holds %s %d", &id, &seq); n == 2 {
			acknowledged[id] = seq
		} else {
			t.Errorf("child: %s", lines.Text())
		}
	}
	child.Wait() //nolint:errcheck // it was killed
}

func checkSurvived(t *testing.T, path string, acknowledged map[string]uint64) {
	s := openSingle(t, path)
	s.View(func(r *registry.Replica, _ time.Duration) {
		for id, seq := range acknowledged {
			if l, ok := r.Lease("default", id); !ok || l.Seq < seq {
				t.Errorf("lease %s: there %v, seq %d, acknowledged was %d", id, ok, l.Seq, seq)
			}
		}
	})
	must(t, s.Close())
}
