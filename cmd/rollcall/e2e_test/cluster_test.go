//go:build e2e

package e2e_test

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// lastPort counts on from a place of this process's own, below the range from
// which systems choose the ports of outgoing connections.
var lastPort atomic.Int32

// freePort returns a port on loopback that is free for TCP and UDP.
func freePort(t *testing.T) int {
	t.Helper()
	for range 2_000 {
		port := 20_000 + (os.Getpid()*100+int(lastPort.Add(1)))%10_000
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		tcp, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		udp, err := net.ListenPacket("udp", addr)
		tcp.Close()
		if err != nil {
			continue
		}
		udp.Close()
		return port
	}
	t.Fatal("no free port")
	return 0
}

// process is one node. Its data and addresses outlive the process.
type process struct {
	t                *testing.T
	id               string
	dir              string // of its data
	logFile          string
	http, raft, goss string // host:port
	args             []string
	binary           string   // rollcall unless set
	env              []string // beside that of the test

	cmd    *exec.Cmd
	ended  chan struct{} // closed when cmd has ended
	paused bool
}

func newProcess(t *testing.T, id string, args ...string) *process {
	t.Helper()
	root := t.TempDir()
	p := &process{t: t, id: id, dir: filepath.Join(root, id), logFile: filepath.Join(root, "log"), args: args}
	for _, addr := range []*string{&p.http, &p.raft, &p.goss} {
		*addr = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			p.showLog()
		}
	})
	return p
}

func (p *process) endpoint() string { return "http://" + p.http }

func (p *process) log() string {
	text, _ := os.ReadFile(p.logFile)
	return string(text)
}

func (p *process) showLog() {
	lines := strings.Split(strings.TrimSpace(p.log()), "\n")
	p.t.Logf("the last of %s's log:\n%s", p.id, strings.Join(lines[max(0, len(lines)-25):], "\n"))
}

// start runs the node; it may be called again after its end.
func (p *process) start() {
	p.t.Helper()
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command(cmp.Or(p.binary, rollcall), append([]string{
		"server", "--node-id", p.id, "--data-dir", p.dir,
		"--http-addr", p.http, "--raft-addr", p.raft, "--gossip-addr", p.goss,
	}, p.args...)...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(os.Environ(), p.env...)
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(p.cmd, p.ended)
}

func (p *process) signal(s syscall.Signal) {
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(s)
	}
	p.paused = s == syscall.SIGSTOP || p.paused && s != syscall.SIGCONT
}

// kill ends the process at once, if it runs, and waits for its end.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	p.signal(syscall.SIGKILL)
	<-p.ended
	p.cmd, p.paused = nil, false
}

// stop ends the process gracefully.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		p.t.Fatalf("%s does not stop", p.id)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("%s stopped with exit code %d", p.id, code)
	}
	p.cmd = nil
}

func (p *process) running() bool { return p.cmd != nil && !p.paused }

// hasEnded says that the process that was started is no more.
func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndex(text, "\n")+1:]
}

func (p *process) ready() bool {
	return ask("GET", p.endpoint(), "/readyz", nil, nil, time.Second).status == 200
}

// cluster is several nodes that know of each other.
type cluster []*process

// newCluster prepares n nodes that expect so many and know each other's gossip
// addresses.
func newCluster(t *testing.T, n, expect int) cluster {
	t.Helper()
	var c cluster
	var join []string
	for i := range n {
		p := newProcess(t, fmt.Sprintf("n%d", i+1))
		c = append(c, p)
		join = append(join, p.goss)
	}
	for _, p := range c {
		p.args = []string{"--bootstrap-expect", fmt.Sprint(expect), "--join", strings.Join(join, ",")}
	}
	return c
}

// startCluster starts n nodes and waits until all are ready.
func startCluster(t *testing.T, n int) cluster {
	t.Helper()
	c := newCluster(t, n, n)
	for _, p := range c {
		p.start()
	}
	c.awaitReady(t, 30*time.Second)
	return c
}

func (c cluster) awaitReady(t *testing.T, limit time.Duration) time.Duration {
	t.Helper()
	return eventually(t, limit, "every node that runs is ready", func() bool {
		for _, p := range c {
			if p.running() && !p.ready() {
				return false
			}
		}
		return true
	})
}

func (c cluster) endpoints() (out []string) {
	for _, p := range c {
		out = append(out, p.endpoint())
	}
	return out
}

// leader waits until all who run agree on one among them.
func (c cluster) leader(t *testing.T) *process {
	t.Helper()
	var leader *process
	eventually(t, 20*time.Second, "one leader", func() bool {
		names := make(map[string]bool)
		for _, p := range c {
			if p.running() {
				var view wire.Cluster
				get(p.endpoint(), wire.PathCluster, &view)
				names[view.Leader] = true
			}
		}
		for _, p := range c {
			if len(names) == 1 && names[p.id] && p.running() {
				leader = p
				return true
			}
		}
		return false
	})
	return leader
}

// others are the nodes but one.
func (c cluster) others(than *process) (out cluster) {
	for _, p := range c {
		if p != than {
			out = append(out, p)
		}
	}
	return out
}

// command runs a client command against the cluster.
func (c cluster) command(args ...string) (out string, code int) {
	cmd := exec.Command(rollcall, args...)
	cmd.Env = append(os.Environ(), "ROLLCALL_ADDR="+strings.Join(c.endpoints(), ","))
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	_ = cmd.Run()
	return text.String(), cmd.ProcessState.ExitCode()
}
