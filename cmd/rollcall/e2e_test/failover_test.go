//go:build e2e

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// firstCommit returns how long after now a write is acknowledged by any of the
// endpoints.
func firstCommit(t *testing.T, endpoints []string) time.Duration {
	t.Helper()
	n := 0
	return eventually(t, 15*time.Second, "a commit", func() bool {
		n++
		a := ask("PUT", endpoints[n%len(endpoints)], wire.PathLeases+"/first", wire.Registration{TTLMS: 600_000}, nil, 400*time.Millisecond)
		return a.ok()
	})
}

// silent registers leases that nobody renews and returns when each was
// acknowledged.
func silent(t *testing.T, endpoint string, n int, ttl time.Duration) map[string]time.Time {
	t.Helper()
	acked := make(map[string]time.Time)
	for i := range n {
		id := fmt.Sprintf("silent-%d", i)
		if _, a := register(endpoint, id, wire.Registration{Service: "silent", TTLMS: ttl.Milliseconds()}); !a.ok() {
			t.Fatalf("register: %s", a)
		}
		acked[id] = time.Now()
	}
	return acked
}

func TestRunOnOneNodeIsAliveOnAnother(t *testing.T) {
	c := startCluster(t, 3)
	run := exec.Command(rollcall, "run", "--service", "web", "--id", "web-1", "--addr", strings.Join(c.endpoints(), ","), "--", "sleep", "60")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = run.Process.Signal(syscall.SIGTERM)
		_ = run.Wait()
		if out, code := c[1:2].command("alive", "web"); code != 3 {
			t.Errorf("after its end: exit code %d, %s", code, out)
		}
	}()
	eventually(t, 10*time.Second, "web-1 is alive on n2", func() bool {
		out, code := c[1:2].command("alive", "web")
		return code == 0 && strings.Contains(out, "web-1")
	})
	c.leader(t).kill()
	throughout(t, 12*time.Second, "web-1 outlives the leader", func() bool {
		for _, p := range c {
			if p.running() {
				var lease wire.Lease
				return get(p.endpoint(), wire.PathLeases+"/web-1", &lease).ok() && lease.State == "alive"
			}
		}
		return false
	})
}

func TestKilledHolderTakesItsCommandAlong(t *testing.T) {
	c := startCluster(t, 1)
	run := exec.Command(rollcall, "run", "--service", "web", "--addr", c[0].endpoint(), "--",
		"sh", "-c", `echo $$; exec sleep 60`)
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscan(out, &child); err != nil {
		t.Fatal(err)
	}
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait()
	eventually(t, 5*time.Second, "the command ends with its holder", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child))
		return err != nil || strings.Contains(string(stat), ") Z ") // nobody may be there to collect it
	})
}

func TestLeaderKilledUnderLeases(t *testing.T) {
	const ttl = 5 * time.Second
	c := startCluster(t, 3)
	f := launch(t, c.endpoints(), 1_000, ttl, 1500*time.Millisecond)
	f.checkAlive(t)
	for range 2 {
		checkFailover(t, c, ttl)
		f.checkAlive(t)
	}
}

// checkFailover kills the leader, watches what must happen, and starts it again.
func checkFailover(t *testing.T, c cluster, ttl time.Duration) {
	t.Helper()
	leader := c.leader(t)
	others := c.others(leader)
	g, a := register(leader.endpoint(), "twice", wire.Registration{TTLMS: 60_000})
	if !a.ok() {
		t.Fatalf("register: %s", a)
	}
	if _, a := heartbeat(leader.endpoint(), "twice", g.Epoch, 1, time.Second); !a.ok() {
		t.Fatalf("heartbeat: %s", a)
	}
	fell := silent(t, leader.endpoint(), 20, ttl)
	killed := time.Now()
	leader.kill()
	leaderless := firstCommit(t, others.endpoints())
	t.Logf("first commit %v after kill -9 of %s", leaderless, leader.id)
	if leaderless > 1500*time.Millisecond {
		t.Errorf("first commit after %v, want at most 1.5 s", leaderless)
	}
	if r, a := heartbeat(others[0].endpoint(), "twice", g.Epoch, 1, 2*time.Second); !a.ok() || !r.Duplicate {
		t.Errorf("the same seq after the failover: %s, %+v", a, r)
	}
	checkSilentEnd(t, others[0], fell, killed.Add(leaderless+ttl*3/4), ttl)
	leader.start()
	c.awaitReady(t, 15*time.Second)
}

// checkSilentEnd checks that the leases end neither before their TTL nor later
// than it or the end of the leader's patience, whichever is later. What the
// judge says that it did not run itself comes on top, with half a TTL, and a
// second for a machine that is busy with this very test.
func checkSilentEnd(t *testing.T, p *process, acked map[string]time.Time, patience time.Time, ttl time.Duration) {
	t.Helper()
	for id, at := range acked {
		var lease wire.Lease
		eventually(t, 30*time.Second, id+" ends", func() bool {
			return get(p.endpoint(), wire.PathLeases+"/"+id, &lease).ok() && lease.Certificate != nil
		})
		ended := lease.Certificate.At.Time()
		latest := at.Add(ttl)
		if patience.After(latest) {
			latest = patience
		}
		if early := at.Add(ttl - 100*time.Millisecond).Sub(ended); early > 0 {
			t.Errorf("%s ended %v early", id, early)
		}
		if stall := lease.Certificate.JudgeStallMS; stall > 0 {
			latest = latest.Add(time.Duration(stall)*time.Millisecond + ttl/2)
		}
		if late := ended.Sub(latest); late > time.Second {
			t.Errorf("%s ended %v late: %+v", id, late, lease.Certificate)
		}
	}
}

func TestRollingRestartUnderLeases(t *testing.T) {
	c := startCluster(t, 3)
	f := launch(t, c.endpoints(), 300, 4*time.Second, time.Second)
	for _, p := range c {
		p.stop()
		firstCommit(t, c.others(p).endpoints())
		p.start()
		c.awaitReady(t, 20*time.Second)
	}
	f.checkAlive(t)
}

func TestFiveFreshNodesFoundOneCluster(t *testing.T) {
	for round := range 3 {
		c := newCluster(t, 5, 3)
		order := rand.Perm(5)
		t.Logf("round %d: in the order %v", round, order)
		for _, i := range order {
			c[i].start()
		}
		c.awaitReady(t, 30*time.Second)
		checkOneCluster(t, c, 5)
		for _, p := range c {
			p.kill()
		}
	}
}

func checkOneCluster(t *testing.T, c cluster, voters int) {
	t.Helper()
	eventually(t, 20*time.Second, fmt.Sprintf("one cluster of %d voters", voters), func() bool {
		ids := make(map[string]bool)
		for _, p := range c {
			var view wire.Cluster
			if !get(p.endpoint(), wire.PathCluster, &view).ok() {
				return false
			}
			ids[view.ClusterID] = true
			n := 0
			for _, node := range view.Nodes {
				if node.Role == "leader" || node.Role == "voter" {
					n++
				}
			}
			if n != voters {
				return false
			}
		}
		return len(ids) == 1
	})
}

func TestReplacedDiskJoinsAsANewServer(t *testing.T) {
	c := startCluster(t, 3)
	f := launch(t, c.endpoints(), 100, 4*time.Second, time.Second)
	lost := c.others(c.leader(t))[0]
	lost.kill()
	if err := os.RemoveAll(lost.dir); err != nil {
		t.Fatal(err)
	}
	lost.start()
	c.awaitReady(t, 60*time.Second)
	f.checkAlive(t)
	checkOneCluster(t, c, 3)
}
