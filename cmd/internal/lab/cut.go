//go:build linux

package lab

import "fmt"

// Rules are undone by their own text, so that several faults can lie over each
// other on one host.

// Undo takes one fault back. It may be called once.
type Undo func() error

// rule adds a rule of iptables to a host and returns what takes it away.
func (h *Host) rule(text string, args ...any) (Undo, error) {
	text = fmt.Sprintf(text, args...)
	if err := h.space.tool("iptables -w -A " + text); err != nil {
		return nil, err
	}
	return func() error { return h.space.tool("iptables -w -D " + text) }, nil
}

// Deaf drops all that comes to the host from an address or network.
func (h *Host) Deaf(from string) (Undo, error) { return h.rule("INPUT -s %s -j DROP", from) }

// Mute drops all that the host says to an address or network.
func (h *Host) Mute(to string) (Undo, error) { return h.rule("OUTPUT -d %s -j DROP", to) }

// Lossy drops that share of what comes from a network, at random.
func (h *Host) Lossy(from string, share float64) (Undo, error) {
	return h.rule("INPUT -s %s -m statistic --mode random --probability %.3f -j DROP", from, share)
}

// Rejecting answers every TCP segment from a network with a reset.
func (h *Host) Rejecting(from string) (Undo, error) {
	return h.rule("INPUT -s %s -p tcp -j REJECT --reject-with tcp-reset", from)
}

// Unplugged takes the host's link down. What is sent by way of the relay still
// passes.
func (h *Host) Unplugged() (Undo, error) {
	if err := h.space.tool("ip link set eth0 down"); err != nil {
		return nil, err
	}
	return func() error { return h.space.tool("ip link set eth0 up") }, nil
}

// All joins several undoings into one, which does all of them, the last first.
func All(undos ...Undo) Undo {
	return func() (first error) {
		for i := len(undos) - 1; i >= 0; i-- {
			if err := undos[i](); err != nil && first == nil {
				first = err
			}
		}
		return first
	}
}
