package loadgen

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Ports of children: below the range from which systems choose those of
// outgoing connections, which would take a port while its node is dead.
const (
	firstPort = 20_000
	ports     = 10_000
)

var errNoPort = errors.New("no free ports on loopback")

// nodeCount is how many nodes a run starts.
const nodeCount = 3

// children are nodes as child processes, with their data in a temporary
// directory. They belong to the goroutine that made them.
type children struct {
	cfg  *FailoverConfig
	dir  string
	list []*child
}

// child is one node. Its data and addresses outlive the process.
type child struct {
	id                 string
	http, raft, gossip string // host:port
	cmd                *exec.Cmd
	release            func()
}

func newChildren(cfg *FailoverConfig) (*children, error) {
	dir, err := os.MkdirTemp("", "rollcall-failover-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the nodes: %w", err)
	}
	c := &children{cfg: cfg, dir: dir}
	for i := range nodeCount {
		one := &child{id: fmt.Sprintf("n%d", i+1)}
		c.list = append(c.list, one) // before its addresses are chosen, which must not be the same either
		for _, addr := range []*string{&one.http, &one.raft, &one.gossip} {
			if *addr, err = c.freeAddr(); err != nil {
				return nil, errors.Join(err, os.RemoveAll(dir))
			}
		}
	}
	return c, nil
}

// freeAddr returns an address on loopback that is free for TCP and UDP, and
// that no child has.
func (c *children) freeAddr() (string, error) {
	last := errNoPort
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(ports))
		if c.taken(addr) {
			continue
		}
		if last = free(addr); last == nil {
			return addr, nil
		}
	}
	return "", fmt.Errorf("%w: %w", errNoPort, last)
}

func (c *children) taken(addr string) bool {
	for _, one := range c.list {
		if addr == one.http || addr == one.raft || addr == one.gossip {
			return true
		}
	}
	return false
}

func free(addr string) error {
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		return err
	}
	return udp.Close()
}

func (c *children) names() (out []string) {
	for _, one := range c.list {
		out = append(out, one.id)
	}
	return out
}

func (c *children) endpoints() (out []string) {
	for _, one := range c.list {
		out = append(out, "http://"+one.http)
	}
	return out
}

// start runs a node; it may be called again after its end.
func (c *children) start(i int) error {
	one := c.list[i]
	log, err := os.OpenFile(one.logFile(c.dir), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open a log for a node: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(c.cfg.Binary, c.arguments(one)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = environment()
	release := c.cfg.Bind(cmd)
	if err := cmd.Start(); err != nil {
		release()
		return fmt.Errorf("start a node: %w", err)
	}
	one.cmd, one.release = cmd, release
	return nil
}

// environment leaves out what would set up a node otherwise.
func environment() (out []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ROLLCALL_") {
			out = append(out, v)
		}
	}
	return out
}

func (c *children) arguments(one *child) []string {
	var join []string
	for _, each := range c.list {
		join = append(join, each.gossip)
	}
	return append([]string{
		"server", "--node-id", one.id, "--data-dir", filepath.Join(c.dir, one.id), "--log-level", "warn",
		"--http-addr", one.http, "--raft-addr", one.raft, "--gossip-addr", one.gossip,
		"--bootstrap-expect", fmt.Sprint(nodeCount), "--join", strings.Join(join, ","),
	}, c.cfg.ServerArgs...)
}

// kill ends a node at once, as by kill -9, if it runs, and waits for its end.
func (c *children) kill(i int) {
	one := c.list[i]
	if one.cmd == nil {
		return
	}
	_ = one.cmd.Process.Kill() // it may have ended just now
	_ = one.cmd.Wait()
	one.release()
	one.cmd = nil
}

// logTail bounds what is told of a node's log.
const logTail = 1_000

// logs returns the ends of the nodes' logs.
func (c *children) logs() string {
	var b strings.Builder
	for _, one := range c.list {
		text, _ := os.ReadFile(one.logFile(c.dir))
		fmt.Fprintf(&b, "the end of the log of %s:\n%s\n", one.id, text[max(0, len(text)-logTail):])
	}
	return b.String()
}

func (one *child) logFile(dir string) string { return filepath.Join(dir, one.id+".log") }

// close kills all nodes and removes their data.
func (c *children) close() error {
	for i := range c.list {
		c.kill(i)
	}
	if err := os.RemoveAll(c.dir); err != nil {
		return fmt.Errorf("remove the nodes' data: %w", err)
	}
	return nil
}
