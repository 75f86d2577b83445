//go:build e2e_docker

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// The ports that compose.yaml publishes.
var published = []string{"http://127.0.0.1:7700", "http://127.0.0.1:7710", "http://127.0.0.1:7720"}

// compose is the cluster of deploy/compose.yaml under a project of this
// process's own.
type compose struct {
	t       *testing.T
	root    string
	project string
}

// up builds the image and brings the cluster up as `make up` does. The engine
// is the one that DOCKER_HOST names.
func up(t *testing.T) *compose {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	c := &compose{t: t, root: root, project: fmt.Sprintf("rollcall-e2e-%d", os.Getpid())}
	c.make("image")
	t.Cleanup(func() { c.make("down") })
	started := time.Now()
	c.make("up")
	took := time.Since(started)
	t.Logf("make up took %v", took)
	if took > 10*time.Second {
		t.Errorf("healthy %v after make up, want 10 s", took)
	}
	return c
}

func (c *compose) run(name string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = c.root
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c *compose) make(target string) {
	c.t.Helper()
	c.run("make", target, "PROJECT="+c.project, "IMAGE="+c.project+":test")
}

// container finds the container of a service.
func (c *compose) container(service string) string {
	c.t.Helper()
	return c.run("docker", "ps", "--all", "--quiet",
		"--filter", "label=com.docker.compose.project="+c.project, "--filter", "label=com.docker.compose.service="+service)
}

func (c *compose) inspect(service, format string) string {
	c.t.Helper()
	return c.run("docker", "inspect", "--format", format, c.container(service))
}

// inNetworkOf runs a command in a container's network namespace.
func (c *compose) inNetworkOf(service string, args ...string) {
	c.t.Helper()
	pid := c.inspect(service, "{{.State.Pid}}")
	c.run("nsenter", append([]string{"--target", pid, "--net"}, args...)...)
}

// cut drops all that a node hears and says but what comes from the host's side
// of the bridge, which is where the published port arrives.
func (c *compose) cut(service string) {
	for _, other := range []string{"n1", "n2", "n3"} {
		if other == service {
			continue
		}
		addr := c.inspect(other, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
		c.inNetworkOf(service, "iptables", "-A", "INPUT", "-s", addr, "-j", "DROP")
		c.inNetworkOf(service, "iptables", "-A", "OUTPUT", "-d", addr, "-j", "DROP")
	}
}

func (c *compose) heal(service string) { c.inNetworkOf(service, "iptables", "-F") }

func (c *compose) awaitReady(limit time.Duration) time.Duration {
	c.t.Helper()
	return eventually(c.t, limit, "every node is ready", func() bool {
		for _, endpoint := range published {
			if ask("GET", endpoint, "/readyz", nil, nil, time.Second).status != 200 {
				return false
			}
		}
		return true
	})
}

// leader returns the service that leads, and its published endpoint.
func (c *compose) leader() (service, endpoint string) {
	c.t.Helper()
	eventually(c.t, 20*time.Second, "a leader", func() bool {
		var view wire.Cluster
		get(published[0], wire.PathCluster, &view)
		service = view.Leader
		return service != ""
	})
	return service, endpointOf(service)
}

func endpointOf(service string) string { return published[service[1]-'1'] }

func TestThreeContainers(t *testing.T) {
	c := up(t)
	c.awaitReady(10 * time.Second)
	f := launch(t, published, 200, 5*time.Second, 1500*time.Millisecond)
	f.checkAlive(t)
	t.Run("kill one", c.killLeader)
	f.checkAlive(t)
	t.Run("cut one off", c.cutLeaderOff)
	f.checkAlive(t)
	t.Run("restart with other addresses", c.shuffleAddresses)
	f.checkAlive(t)
}

func (c *compose) killLeader(t *testing.T) {
	leader, endpoint := c.leader()
	c.run("docker", "kill", c.container(leader))
	eventually(t, 15*time.Second, "another leads", func() bool {
		var view wire.Cluster
		for _, e := range published {
			if e != endpoint && get(e, wire.PathCluster, &view).ok() && view.Leader != "" && view.Leader != leader {
				return true
			}
		}
		return false
	})
	c.run("docker", "start", c.container(leader))
	c.awaitReady(30 * time.Second)
}

func (c *compose) cutLeaderOff(t *testing.T) {
	leader, endpoint := c.leader()
	c.cut(leader)
	defer c.heal(leader)
	eventually(t, 15*time.Second, "it refuses writes, and says why", func() bool {
		a := ask("PUT", endpoint, wire.PathLeases+"/x", wire.Registration{}, nil, 5*time.Second)
		return a.problem.Code == wire.CodeNoLeader && a.took < 2500*time.Millisecond
	})
	pass(context.Background(), 8*time.Second)
	var page wire.AlivePage
	if a := get(endpoint, wire.PathAlive+"?service=live&limit=1000", &page); !a.ok() || page.Count != 200 {
		t.Errorf("the one cut off: %s, %d alive, want 200", a, page.Count)
	}
	c.heal(leader)
	c.awaitReady(30 * time.Second)
}

// shuffleAddresses stops two nodes and starts them in the other order, so that
// each gets the other's address.
func (c *compose) shuffleAddresses(t *testing.T) {
	format := "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
	before := c.inspect("n2", format)
	c.run("docker", "stop", c.container("n2"))
	blocker := c.run("docker", "run", "--detach", "--rm", "--network", c.project+"_default", "--entrypoint", "/rollcall",
		c.project+":test", "dev", "--http-addr", "127.0.0.1:0", "--data-dir", "/data")
	defer c.run("docker", "kill", blocker)
	c.run("docker", "start", c.container("n2"))
	if after := c.inspect("n2", format); after == before {
		t.Errorf("n2 still has address %s", before)
	}
	c.awaitReady(30 * time.Second)
}
