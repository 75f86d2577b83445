//go:build linux

package lab

import (
	"fmt"
	"os"
	"path/filepath"
)

// Addresses of a lab: its hosts from 1 on, all in Peers, and the caller.
const (
	Peers  = "10.199.0.0/28"
	Caller = "10.199.0.254"
)

// MaxHosts is how many hosts a lab has at most: those of Peers.
const MaxHosts = 14

// Lab is several hosts on one bridge.
type Lab struct {
	Hosts []*Host
	relay *relay
}

// Open makes n hosts in the namespaces that Main made, with their data below
// dir. Close it.
func Open(n int, dir string) (*Lab, error) {
	if n < 1 || n > MaxHosts {
		return nil, fmt.Errorf("%d hosts, want 1 to %d", n, MaxHosts)
	}
	if os.Getenv(inside) == "" {
		return nil, fmt.Errorf("lab opened outside its namespaces")
	}
	if err := require("ip", "iptables"); err != nil {
		return nil, err
	}
	for _, line := range []string{
		"ip link set lo up", "ip link add hub type bridge",
		"ip addr add " + Caller + "/24 dev hub", "ip link set hub up",
	} {
		if err := tool(nil, line); err != nil {
			return nil, err
		}
	}
	l := &Lab{relay: newRelay()}
	for i := 1; i <= n; i++ {
		h, err := l.newHost(i, filepath.Join(dir, fmt.Sprint("n", i)))
		if err != nil {
			l.Close()
			return nil, fmt.Errorf("host %d: %w", i, err)
		}
		l.Hosts = append(l.Hosts, h)
	}
	return l, nil
}

// Close ends every process and the relay. Links and namespaces go with the
// caller.
func (l *Lab) Close() {
	for _, h := range l.Hosts {
		h.Kill()
		h.space.file.Close()
	}
	l.relay.close()
}

func (l *Lab) newHost(i int, dir string) (*Host, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := newSpace()
	if err != nil {
		return nil, err
	}
	h := &Host{Name: fmt.Sprint("n", i), Addr: fmt.Sprint("10.199.0.", i), Dir: dir, number: i, space: s}
	if err := h.plug(); err != nil {
		return nil, err
	}
	device, err := s.openTUN()
	if err != nil {
		return nil, err
	}
	l.relay.add(i, device)
	h.relay = l.relay
	h.cage, err = newCage(dir, h.Name)
	return h, err
}

// plug connects a host with the bridge.
func (h *Host) plug() error {
	port := fmt.Sprint("port", h.number)
	for _, line := range []string{
		"ip link add " + port + " type veth peer name eth0 netns /proc/self/fd/3",
		"ip link set " + port + " master hub", "ip link set " + port + " up",
	} {
		if err := tool([]*os.File{h.space.file}, line); err != nil {
			return err
		}
	}
	for _, line := range []string{"ip link set lo up", "ip addr add " + h.Addr + "/24 dev eth0", "ip link set eth0 up"} {
		if err := h.space.tool(line); err != nil {
			return err
		}
	}
	return nil
}
