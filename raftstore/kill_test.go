package raftstore

import (
	"bufio"
	"context"
	"errors"
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

// writeUntilKilled is the child: it opens the store, grants, renews and sends,
// flushes and takes snapshots all the time, and says on its output what was
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
		Dir: d, Transport: transport, Multiplier: 0.1, FlushEvery: 3 * time.Millisecond,
		OnFatal: func(err error) { fmt.Println("error", err) },
	})
	if err != nil {
		return err
	}
	if fresh {
		if err := errors.Join(d.SetCluster("c"), s.Bootstrap("n1")); err != nil {
			return err
		}
	}
	<-s.Leadership()
	go snapshotForEver(s)
	for i := 0; ; i++ {
		if err := writeOnce(s, fmt.Sprintf("%d-%d", os.Getpid(), i)); err != nil {
			return err
		}
		if err := sendOnce(s, os.Getpid()<<20|i); err != nil {
			return err
		}
	}
}

// snapshotForEver takes snapshots and cuts the log, which nothing else does at this
// size.
func snapshotForEver(s *Store) {
	rc := s.raft.ReloadableConfig()
	rc.TrailingLogs = 16
	err := s.raft.ReloadConfig(rc)
	for err == nil {
		if err = s.Snapshot(); errors.Is(err, errReplaying) {
			err = nil
		}
		pause(context.Background(), 10*time.Millisecond)
	}
	fmt.Println("error", err)
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

// sendOnce sends one message and acknowledges every third.
func sendOnce(s *Store, n int) error {
	if _, err := s.Propose(entry(send(n))).Wait(); err != nil {
		return err
	}
	fmt.Println("sent", n, 0)
	if n%3 != 0 {
		return nil
	}
	if _, err := s.Propose(entry(ack(n))).Wait(); err != nil {
		return err
	}
	fmt.Println("sent", n, 1)
	return nil
}

// acknowledged is what the child was told: the last seq of each lease, and of
// each message whether its ack was taken.
type acknowledged struct {
	leases   map[string]uint64
	messages map[int]bool
}

// hear takes one line of the child; false if it is none of them.
func (a *acknowledged) hear(line string) bool {
	var id string
	var seq uint64
	if n, _ := fmt.Sscanf(line, "holds %s %d", &id, &seq); n == 2 {
		a.leases[id] = seq
		return true
	}
	var number, ended int
	if n, _ := fmt.Sscanf(line, "sent %d %d", &number, &ended); n != 2 {
		return false
	}
	a.messages[number] = ended == 1
	return true
}

// TestKilledProcessLosesNothing kills a writing process again and again, at its
// first start too; what it had acknowledged must be there.
func TestKilledProcessLosesNothing(t *testing.T) {
	path := t.TempDir()
	acknowledged := &acknowledged{make(map[string]uint64), make(map[int]bool)}
	for round := range 20 {
		runAndKill(t, path, time.Duration(1+round*round)*time.Millisecond, acknowledged)
		synctest.Test(t, func(t *testing.T) { checkSurvived(t, path, acknowledged) })
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	if len(acknowledged.messages) == 0 {
		t.Fatal("no round got as far as to acknowledge anything")
	}
	t.Logf("%d leases, %d messages acknowledged", len(acknowledged.leases), len(acknowledged.messages))
}

// runAndKill runs the child for that long, and notes what it acknowledged.
func runAndKill(t *testing.T, path string, long time.Duration, acknowledged *acknowledged) {
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
		if !acknowledged.hear(lines.Text()) {
			t.Errorf("child: %s", lines.Text())
		}
	}
	child.Wait() //nolint:errcheck // it was killed
}

func checkSurvived(t *testing.T, path string, acknowledged *acknowledged) {
	s := openSingle(t, path)
	s.View(func(r *registry.Replica, _ time.Duration) {
		for id, seq := range acknowledged.leases {
			if l, ok := r.Lease("default", id); !ok || l.Seq < seq {
				t.Errorf("lease %s: there %v, seq %d, acknowledged was %d", id, ok, l.Seq, seq)
			}
		}
	})
	for n, ended := range acknowledged.messages {
		checkMessage(t, s.machine, n, ended)
	}
	must(t, s.Close())
}

// checkMessage requires that a message waits with its body, or that its ack is
// known. One whose ack was not answered may be either.
func checkMessage(t *testing.T, m *machine, n int, ended bool) {
	t.Helper()
	var message registry.Message
	m.view(func(r *registry.Replica, _ time.Duration) { message, _ = r.Message("default", "m", messageID(n)) })
	switch {
	case message.State == registry.MessageAcked && n%3 == 0:
	case ended || message.State != registry.MessagePending:
		t.Errorf("message %d is %v, its ack was answered: %v", n, message.State, ended)
	default:
		m.hasBody(t, n, true)
	}
}
