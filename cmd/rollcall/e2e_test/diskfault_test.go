//go:build e2e && linux

package e2e_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// syncs are the calls that wait for a disk: bbolt's and those of files.
const syncs = "fdatasync,fsync"

// tamper has strace treat a node's syncs so, until stop.
func tamper(t *testing.T, p *process, how string) (stop func()) {
	t.Helper()
	cmd := exec.Command("strace", "-f", "-o", os.DevNull, "-e", "trace="+syncs, "-e", "inject="+syncs+":"+how,
		"-p", strconv.Itoa(p.cmd.Process.Pid))
	says, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(says).ReadString('\n')
	if err != nil || !strings.Contains(line, "attached") {
		t.Fatalf("strace: %s, %v", line, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, says)
		_ = cmd.Wait()
	}()
	return func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-ended:
		case <-time.After(2 * time.Second): // it waits for a call that it holds up
			_ = cmd.Process.Kill()
			<-ended
		}
	}
}

// endsItself waits until a node ends, which it must with an error that says why.
func endsItself(t *testing.T, p *process, limit time.Duration, says string) {
	t.Helper()
	took := eventually(t, limit, p.id+" ends", p.hasEnded)
	t.Logf("%s ended after %v", p.id, took)
	if code := p.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("%s ended with %d", p.id, code)
	}
	if !strings.Contains(p.log(), says) {
		t.Errorf("%s does not say %q", p.id, says)
	}
	p.cmd = nil
}

// TestFailedSyncEndsTheLeader: a sync that failed is never tried again; the others
// go on, and the node comes back with a sound disk.
func TestFailedSyncEndsTheLeader(t *testing.T) {
	needs(t, "strace")
	c := startCluster(t, 3)
	f := launch(t, c.endpoints(), 100, 10*time.Second, 2*time.Second)
	leader := c.leader(t)
	stop := tamper(t, leader, "error=EIO")
	defer stop()
	endsItself(t, leader, 10*time.Second, "input/output error")
	firstCommit(t, c.others(leader).endpoints())
	f.checkAlive(t)
	stop()
	leader.start()
	c.awaitReady(t, 20*time.Second)
}

// TestHungDiskDeposesTheLeader: the others have a leader within 15 s, nobody who
// renews dies of it, and the node ends by itself.
func TestHungDiskDeposesTheLeader(t *testing.T) {
	needs(t, "strace")
	c := startCluster(t, 3)
	f := launch(t, c.endpoints(), 200, 10*time.Second, 2*time.Second)
	f.checkAlive(t)
	leader := c.leader(t)
	stop := tamper(t, leader, "delay_enter=60000000")
	defer stop()
	began := time.Now()
	firstCommit(t, c.others(leader).endpoints())
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("replaced after %v", took)
	} else {
		t.Logf("replaced after %v", took)
	}
	eventually(t, 30*time.Second, "the node gives up", func() bool {
		return strings.Contains(leader.log(), "does its disk hang?")
	})
	stop() // strace holds its threads, as a disk may
	endsItself(t, leader, 5*time.Second, "log append has hung")
	f.checkAlive(t)
	leader.start()
	c.awaitReady(t, 20*time.Second)
	f.checkAlive(t)
}

// TestSlowSyncs: nobody dies of slow disks, and what is slow is not lost. A commit
// takes two syncs on the leader and two on a follower after them, a vote takes six.
func TestSlowSyncs(t *testing.T) {
	needs(t, "strace")
	for _, slow := range []struct {
		name  string
		delay string // of each sync, in microseconds
		who   func(cluster) cluster
		taken int // at least, of 9 grants; the others are refused within 2 s and may be sent again
	}{
		{"all disks take 40 ms", "40000", func(c cluster) cluster { return c }, 5},
		{"the leader's takes 300 ms", "300000", func(c cluster) cluster { return cluster{c.leader(t)} }, 2},
	} {
		t.Run(slow.name, func(t *testing.T) {
			c := startCluster(t, 3)
			f := launch(t, c.endpoints(), 100, 10*time.Second, 2*time.Second)
			for _, p := range slow.who(c) {
				defer tamper(t, p, "delay_enter="+slow.delay)()
			}
			taken := 0
			for i := range 9 {
				_, a := register(c[i%3].endpoint(), "slow", wire.Registration{TTLMS: 600_000})
				if a.ok() {
					taken++
				} else if a.problem.Code != wire.CodeNoLeader {
					t.Errorf("a grant: %s", a)
				}
			}
			if t.Logf("%d of 9 grants were taken", taken); taken < slow.taken {
				t.Errorf("want at least %d", slow.taken)
			}
			f.checkAlive(t)
		})
	}
}

// fill leaves at most so many bytes on the file system of a directory, and
// returns how to free them.
func fill(t *testing.T, dir string, leave int64) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	chunk := bytes.Repeat([]byte{1}, 64<<10)
	for err == nil && available(t, dir) > leave {
		_, err = f.Write(chunk)
	}
	for err == nil && leave == 0 { // what is left is less than it seems
		_, err = f.Write(chunk[:1024])
	}
	_ = f.Sync()
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func available(t *testing.T, dir string) int64 {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// onDisk starts a cluster of one on a disk of its own, with one lease.
func onDisk(t *testing.T) (c cluster, d *disk, epoch uint64) {
	t.Helper()
	d = newDisk(t, diskMiB)
	c = newCluster(t, 1, 1)
	c[0].dir = d.dir()
	c[0].start()
	c.awaitReady(t, 20*time.Second)
	g, a := register(c[0].endpoint(), "early", wire.Registration{TTLMS: 600_000})
	if !a.ok() {
		t.Fatalf("register: %s", a)
	}
	return c, d, g.Epoch
}

// TestNearlyFullDisk: what would fill it is refused and says so, everything else
// goes on, and with room again all does.
func TestNearlyFullDisk(t *testing.T) {
	c, d, epoch := onDisk(t)
	at := c[0].endpoint()
	free := fill(t, d.mount, 1<<20)
	var a answer
	grants := func() bool {
		_, a = register(at, "late", wire.Registration{TTLMS: 600_000})
		return a.ok()
	}
	eventually(t, 15*time.Second, "grants are refused", func() bool { return !grants() })
	if a.problem.Code != wire.CodeOverloaded || a.header.Get("Retry-After") == "" || !strings.Contains(a.problem.Detail, "disk") {
		t.Errorf("refused with %s, %q, Retry-After %q", a, a.problem.Detail, a.header.Get("Retry-After"))
	}
	if _, a := post(at, "early", message(1), 5*time.Second); a.problem.Code != wire.CodeOverloaded {
		t.Errorf("a message: %s", a)
	}
	for seq := range uint64(50) {
		if _, a := heartbeat(at, "early", epoch, seq+1, 5*time.Second); !a.ok() {
			t.Fatalf("heartbeat %d: %s", seq+1, a)
		}
	}
	if a := get(at, wire.PathLeases+"/early?consistency=linearizable", nil); !a.ok() {
		t.Errorf("read: %s", a)
	}
	free()
	eventually(t, 15*time.Second, "grants are taken again", grants)
}

// TestFullDisk: with no byte left the node refuses what it cannot write, also after
// a start; nothing that it acknowledged is lost, and with room again it goes on.
func TestFullDisk(t *testing.T) {
	c, d, epoch := onDisk(t)
	at := c[0].endpoint()
	free := fill(t, d.mount, 0)
	acked, refused := uint64(0), 0
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end) && !c[0].hasEnded(); {
		if _, a := heartbeat(at, "early", epoch, acked+1, 5*time.Second); a.ok() {
			acked++
		} else if refused++; a.status != 0 && !a.problem.Retryable {
			t.Fatalf("refused with %s", a)
		}
	}
	t.Logf("%d heartbeats acknowledged, %d not, ended: %v", acked, refused, c[0].hasEnded())
	if c[0].hasEnded() {
		endsItself(t, c[0], time.Second, "no space left on device")
	}
	c[0].kill()
	c[0].start()
	eventually(t, 20*time.Second, "it says what is wrong, or runs all the same", func() bool {
		return strings.Contains(c[0].log(), "no space left on device") || c[0].ready()
	})
	free()
	if c[0].hasEnded() {
		c[0].kill()
		c[0].start()
	}
	c.awaitReady(t, 20*time.Second)
	var lease wire.Lease
	if a := get(at, wire.PathLeases+"/early?consistency=linearizable", &lease); !a.ok() || lease.Seq < acked || lease.Seq > acked+1 {
		t.Errorf("the lease: %s, seq %d, acknowledged %d", a, lease.Seq, acked)
	}
	eventually(t, 15*time.Second, "grants are taken", func() bool {
		_, a := register(at, "late", wire.Registration{TTLMS: 600_000})
		return a.ok()
	})
}

// TestReadOnlyDisk: a node refuses it in words, and starts where it can write.
func TestReadOnlyDisk(t *testing.T) {
	c, d, _ := onDisk(t)
	c[0].stop()
	d.detach()
	d.attach("ro")
	checkRefused(t, c[0], "read-only file system", d.dir())
	d.detach()
	d.attach()
	c[0].start()
	c.awaitReady(t, 20*time.Second)
	if a := get(c[0].endpoint(), wire.PathLeases+"/early", nil); !a.ok() {
		t.Errorf("after that: %s", a)
	}
}

// TestNoFailpointsInThisBuild: what can be told to fail is in no other build.
func TestNoFailpointsInThisBuild(t *testing.T) {
	const variable = "ROLLCALL_FAIL"
	special, err := fallible()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{rollcall: false, special: true} {
		binary, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		said, _ := exec.Command(path, "version").Output()
		if bytes.Contains(binary, []byte(variable)) != want || strings.Contains(string(said), variable) != want {
			t.Errorf("%s has failpoints: want %v; says %s", path, want, said)
		}
	}
}
