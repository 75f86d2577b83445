package main

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func (c *aliveCommand) print(w io.Writer, page *wire.AlivePage, body []byte) error {
	switch {
	case c.json():
		printBody(w, body)
		return nil
	case len(page.Alive) == 0:
		return nil
	case c.moment.given():
		return printPast(w, page)
	default:
		return printLeases(w, page.Alive)
	}
}

func printLeases(w io.Writer, leases []wire.Lease) error {
	t := newTable(w, "ID", "SERVICE", "ADDRESS", "STATE", "EPOCH", "SEQ", "RENEWED", "EXPIRES IN", "TAGS")
	for i := range leases {
		l := &leases[i]
		t.row(l.ID, l.Service, hostPort(l.Address, l.Port), stateOf(l), strconv.FormatUint(l.Epoch, 10),
			strconv.FormatUint(l.Seq, 10), milliseconds(sinceRenewal(l))+" ago", milliseconds(l.ExpiresInMS), strings.Join(l.Tags, ","))
	}
	return t.print()
}

// printPast leaves out what is not known of the past: seqs and timing.
func printPast(w io.Writer, page *wire.AlivePage) error {
	fmt.Fprintf(w, "as of revision %d\n\n", page.Revision)
	t := newTable(w, "ID", "SERVICE", "ADDRESS", "STATE", "EPOCH", "GRANTED", "TAGS")
	for i := range page.Alive {
		l := &page.Alive[i]
		t.row(l.ID, l.Service, hostPort(l.Address, l.Port), stateOf(l), strconv.FormatUint(l.Epoch, 10), instant(l.GrantedAt), strings.Join(l.Tags, ","))
	}
	return t.print()
}

// sinceRenewal is counted on the answering node, so that clocks do not matter.
func sinceRenewal(l *wire.Lease) int64 { return max(l.TTLMS-l.ExpiresInMS, 0) }

// stateOf adds the answering node's hints to a state.
func stateOf(l *wire.Lease) string {
	state := l.State
	if l.HeldReason != "" {
		state += " (" + l.HeldReason + ")"
	}
	if l.Late {
		state += ", late"
	}
	if l.Flapping {
		state += ", flapping"
	}
	return state
}

func hostPort(host string, port int) string {
	if port == 0 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
