//go:build e2e

package e2e_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// checkRefused starts a node that must not run and checks what it says.
func checkRefused(t *testing.T, p *process, wants ...string) {
	t.Helper()
	p.start()
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s runs, want a refusal", p.id)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	p.cmd = nil
	for _, want := range wants {
		if !strings.Contains(p.log(), want) {
			t.Errorf("said %q, want %q", p.log(), want)
		}
	}
	if strings.Contains(p.log(), "panic") {
		t.Error("it panicked")
	}
}

func TestOccupiedPortsAreRefused(t *testing.T) {
	for setting, pick := range map[string]func(*process) string{
		"--http-addr":   func(p *process) string { return p.http },
		"--raft-addr":   func(p *process) string { return p.raft },
		"--gossip-addr": func(p *process) string { return p.goss },
	} {
		t.Run(setting, func(t *testing.T) {
			p := newProcess(t, "n1")
			taken, err := net.Listen("tcp", pick(p))
			if err != nil {
				t.Fatal(err)
			}
			defer taken.Close()
			checkRefused(t, p, pick(p), "address already in use", setting)
		})
	}
}

func TestLockedDataDirectoryIsRefused(t *testing.T) {
	c := startCluster(t, 1)
	second := newProcess(t, "n1")
	second.dir = c[0].dir
	checkRefused(t, second, c[0].dir)
	if !c[0].ready() {
		t.Error("the first node was disturbed")
	}
}

func TestForeignAndDamagedDataDirectoriesAreRefused(t *testing.T) {
	c := startCluster(t, 1)
	if _, a := register(c[0].endpoint(), "web-1", wire.Registration{TTLMS: 600_000}); !a.ok() {
		t.Fatalf("register: %s", a)
	}
	c[0].stop()
	foreign := newProcess(t, "other")
	foreign.dir = c[0].dir
	checkRefused(t, foreign, "node.json", `n1`)
	for _, name := range []string{"raft.db", "state.db", "node.json"} {
		path := filepath.Join(c[0].dir, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		checkRefused(t, c[0], name)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		checkRefused(t, c[0], name)
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c[0].start()
	c.awaitReady(t, 20*time.Second)
	if a := get(c[0].endpoint(), wire.PathLeases+"/web-1", nil); !a.ok() {
		t.Errorf("after all that: %s", a)
	}
}

func TestUnresolvableJoinIsToldAndTriedOn(t *testing.T) {
	p := newProcess(t, "n1", "--bootstrap-expect", "3", "--join", "no-such-host.invalid")
	p.start()
	eventually(t, 20*time.Second, "the log names the host", func() bool { return strings.Contains(p.log(), "no-such-host.invalid") })
	throughout(t, 2*time.Second, "it goes on, not ready", func() bool {
		return ask("GET", p.endpoint(), "/healthz", nil, nil, time.Second).status == 200 && !p.ready()
	})
	if _, a := register(p.endpoint(), "web-1", wire.Registration{}); a.problem.Code != wire.CodeNoLeader {
		t.Errorf("a write before there is a cluster: %s", a)
	}
}

func TestSecondNodeOfANameHarmsNobody(t *testing.T) {
	c := startCluster(t, 3)
	f := launch(t, c.endpoints(), 100, 4*time.Second, time.Second)
	follower := c.others(c.leader(t))[0]
	twin := newProcess(t, follower.id, follower.args...)
	twin.start()
	throughout(t, 10*time.Second, "it does not become ready in the other's place", func() bool {
		return !(twin.ready() && follower.ready())
	})
	f.checkAlive(t)
	twin.kill()
	c.awaitReady(t, 30*time.Second)
	firstCommit(t, c.endpoints())
}

func TestNodeOfAnotherClusterIsRefused(t *testing.T) {
	c := startCluster(t, 3)
	stranger := newProcess(t, "stranger", "--bootstrap-expect", "1")
	stranger.start()
	cluster{stranger}.awaitReady(t, 20*time.Second)
	stranger.stop()
	stranger.args = append(stranger.args, "--join", c[0].goss)
	stranger.start()
	cluster{stranger}.awaitReady(t, 20*time.Second)
	throughout(t, 5*time.Second, "the clusters stay apart", func() bool {
		var ours, theirs wire.Cluster
		get(c[0].endpoint(), wire.PathCluster, &ours)
		get(stranger.endpoint(), wire.PathCluster, &theirs)
		return ours.ClusterID != theirs.ClusterID && ours.Leader != "" && ours.Leader != "stranger" && theirs.Leader == "stranger"
	})
}
