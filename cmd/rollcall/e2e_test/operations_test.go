//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// must runs a client command that has to succeed.
func (c cluster) must(t *testing.T, args ...string) string {
	t.Helper()
	out, code := c.command(args...)
	if code != 0 {
		t.Fatalf("rollcall %s: exit code %d: %s", strings.Join(args, " "), code, out)
	}
	return out
}

func (c cluster) revision(t *testing.T) uint64 {
	t.Helper()
	var view wire.Cluster
	get(c.leader(t).endpoint(), wire.PathCluster, &view)
	return view.Revision
}

// same waits until every node that runs shows the same lists.
func (c cluster) same(t *testing.T) {
	t.Helper()
	eventually(t, 15*time.Second, "all nodes show the same", func() bool {
		want := ""
		for _, p := range c {
			if !p.running() {
				continue
			}
			var page wire.AlivePage
			if !get(p.endpoint(), wire.PathAlive+"?limit=1000&fields=id,epoch", &page).ok() {
				return false
			}
			got := fmt.Sprint(page.Alive)
			if want != "" && got != want {
				return false
			}
			want = got
		}
		return true
	})
}

// TestBackupUnderLoadIsRestoredTwice: those who live now and did then live on,
// through it and the loss of a node amid it.
func TestBackupUnderLoadIsRestoredTwice(t *testing.T) {
	c := startCluster(t, 3)
	f := launch(t, c.endpoints(), 200, 4*time.Second, time.Second)
	evicted, _ := register(c[0].endpoint(), "evicted", wire.Registration{Service: "other", TTLMS: 3_600_000})
	c.must(t, "send", "box", "before")
	file := filepath.Join(t.TempDir(), "backup")
	c.must(t, "cluster", "backup", file)
	c.must(t, "cluster", "backup", "--verify", file)
	c.must(t, "evict", "evicted")
	c.must(t, "send", "box", "after")
	later, _ := register(c[1].endpoint(), "later", wire.Registration{Service: "other", TTLMS: 3_600_000})
	last := uint64(0)
	for round := range 2 {
		before := c.revision(t)
		waiting := make(chan answer, 1)
		go func() {
			waiting <- ask("GET", c[2].endpoint(), fmt.Sprintf("%s?wait_ms=20000&service=none&after=%d", wire.PathWatch, before), nil, nil, 25*time.Second)
		}()
		away := c.others(c.leader(t))[round]
		if round == 1 && away == c[2] {
			away = c.others(c.leader(t))[0]
		}
		if away != c[2] {
			away.kill()
		}
		c.must(t, "cluster", "restore", "--yes", file)
		if away.cmd == nil {
			away.start()
		}
		if a := <-waiting; a.status != 410 || a.problem.Code != wire.CodeCompacted {
			t.Errorf("a watch of before: %v", a)
		}
		c.awaitReady(t, 20*time.Second)
		if now := c.revision(t); now <= before || now <= last || now < uint64(time.Now().Add(-time.Hour).UnixMilli())*2048 {
			t.Errorf("revision %d after %d and %d", now, before, last)
		}
		last = c.revision(t)
		if _, a := heartbeat(c[0].endpoint(), "later", later.Epoch, 1, time.Second); a.status != 404 {
			t.Errorf("an epoch of after the backup: %v", a)
		}
		if _, a := heartbeat(c[0].endpoint(), "evicted", evicted.Epoch, uint64(round)+1, time.Second); !a.ok() {
			t.Errorf("who was alive in the backup: %v", a)
		}
		if g, _ := register(c[0].endpoint(), fmt.Sprint("new-", round), wire.Registration{}); g.Epoch <= last {
			t.Errorf("epoch %d after revision %d", g.Epoch, last)
		}
		if out := c.must(t, "recv", "box"); !strings.Contains(out, "before") || strings.Contains(out, "after") {
			t.Errorf("mail after the restore: %s", out)
		}
		c.same(t)
		f.checkAlive(t)
	}
}

// TestAMajorityIsLostForEver: two disks of three are gone. What is left goes on
// alone, and others join with empty ones.
func TestAMajorityIsLostForEver(t *testing.T) {
	c := startCluster(t, 3)
	g, _ := register(c[0].endpoint(), "web-1", wire.Registration{TTLMS: 10_000})
	c.must(t, "send", "box", "kept")
	c.same(t)
	recover := func(args ...string) (string, int) {
		return c.command(append([]string{"cluster", "recover", "--data-dir", c[0].dir}, args...)...)
	}
	if out, code := recover("--yes"); code != 1 || !strings.Contains(out, "in use") {
		t.Errorf("while it runs: %d %s", code, out)
	}
	c[0].kill()
	if out, code := recover("--yes"); code != 1 || !strings.Contains(out, "nothing is lost") {
		t.Errorf("while the others run: %d %s", code, out)
	}
	for _, p := range c[1:] {
		p.kill()
		if err := os.RemoveAll(p.dir); err != nil {
			t.Fatal(err)
		}
	}
	if out, code := recover(); code != 1 || !strings.Contains(out, "not confirmed") {
		t.Errorf("not confirmed: %d %s", code, out)
	}
	if out, code := recover("--yes"); code != 0 || !strings.Contains(out, "only voter of cluster") {
		t.Fatalf("recover: %d %s", code, out)
	}
	c[0].start()
	c.awaitReady(t, 20*time.Second)
	if _, a := heartbeat(c[0].endpoint(), "web-1", g.Epoch, 1, 2*time.Second); !a.ok() {
		t.Errorf("who held a lease before: %v", a)
	}
	if out := c.must(t, "recv", "box"); !strings.Contains(out, "kept") {
		t.Errorf("mail: %s", out)
	}
	c[1].start()
	c[2].start()
	c.awaitReady(t, 30*time.Second)
	c.leader(t).kill()
	c.awaitReady(t, 20*time.Second)
	if g, a := register(c.leader(t).endpoint(), "web-2", wire.Registration{}); !a.ok() {
		t.Errorf("after a failover: %v %v", g, a)
	}
}

// voters waits until the configuration has that many.
func (c cluster) voters(t *testing.T, n int) {
	t.Helper()
	eventually(t, 30*time.Second, fmt.Sprint(n, " voters"), func() bool {
		var view wire.Cluster
		if !get(c.leader(t).endpoint(), wire.PathCluster, &view).ok() {
			return false
		}
		votes := 0
		for _, node := range view.Nodes {
			if node.Role == "leader" || node.Role == "voter" {
				votes++
			}
		}
		return votes == n
	})
}

// move gives a stopped node new addresses.
func (p *process) move() {
	for _, addr := range []*string{&p.http, &p.raft, &p.goss} {
		*addr = fmt.Sprintf("127.0.0.1:%d", freePort(p.t))
	}
}

func (c cluster) join(with cluster) {
	var join []string
	for _, p := range append(append(cluster{}, c...), with...) {
		join = append(join, p.goss)
	}
	for _, p := range c {
		p.args = []string{"--bootstrap-expect", "1", "--join", strings.Join(join, ",")}
	}
}

// TestOperatorsKeepLeasesAlive: 1, 3 and 5 voters, a disk replaced under its old
// name, and 3 and 1 again; no lease ends. Then all addresses change at once.
func TestOperatorsKeepLeasesAlive(t *testing.T) {
	c := newCluster(t, 5, 1)
	c[0].start()
	c[:1].awaitReady(t, 20*time.Second)
	f := launch(t, c.endpoints(), 100, 4*time.Second, time.Second)
	for n := 3; n <= 5; n += 2 {
		c[n-2].start()
		c[n-1].start()
		c[:n].voters(t, n)
		c[:n].awaitReady(t, 20*time.Second)
	}
	f.checkAlive(t)
	c[1].kill()
	if err := os.RemoveAll(c[1].dir); err != nil {
		t.Fatal(err)
	}
	c[1].start()
	c.awaitReady(t, 30*time.Second)
	f.checkAlive(t)
	rest := c
	for len(rest) > 1 {
		gone := rest.leader(t)
		if len(rest)%2 == 0 {
			gone = rest.others(gone)[0]
		}
		via := rest.others(gone)
		via.must(t, "cluster", "remove", gone.id)
		eventually(t, 20*time.Second, gone.id+" ends by itself", func() bool {
			select {
			case <-gone.ended:
				return true
			default:
				return false
			}
		})
		gone.cmd = nil
		rest = via
		rest.awaitReady(t, 20*time.Second)
	}
	rest.voters(t, 1)
	f.checkAlive(t)
	f.land()

	fresh := c.others(rest[0])[:2]
	for _, p := range fresh {
		if err := os.RemoveAll(p.dir); err != nil {
			t.Fatal(err)
		}
		p.start()
	}
	three := append(cluster{rest[0]}, fresh...)
	three.voters(t, 3)
	three.awaitReady(t, 20*time.Second)
	g, _ := register(three[0].endpoint(), "moved", wire.Registration{TTLMS: 60_000})
	three.same(t)
	for _, p := range three {
		p.kill()
		p.move()
	}
	three.join(nil)
	for _, p := range three {
		p.start()
	}
	three.awaitReady(t, 30*time.Second)
	if _, a := heartbeat(three[1].endpoint(), "moved", g.Epoch, 1, 2*time.Second); !a.ok() {
		t.Errorf("after all moved: %v", a)
	}
}
