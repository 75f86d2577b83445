package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// printChange prints a change as the node sent it.
func printChange(w io.Writer, c *clientsdk.Change) error {
	if c.Type == wire.EventSnapshot {
		return printJSON(w, wire.Snapshot{Revision: c.Revision, Type: c.Type, Leases: c.Leases, More: c.More})
	}
	return printJSON(w, c.Event)
}

// maxKnown bounds the leases that are remembered to say what changed in them;
// the changes of others are told without what was before.
const maxKnown = 100_000

// teller prints changes for people. It remembers what it heard, to say what an
// update changed.
type teller struct {
	w        io.Writer
	known    map[string]wire.Lease // by id
	snapshot []wire.Lease          // the parts so far
	list     func(revision uint64, leases []wire.Lease) error
}

func newTeller(w io.Writer) *teller {
	t := &teller{w: w, known: make(map[string]wire.Lease)}
	t.list = t.listLines
	return t
}

func (t *teller) tell(c *clientsdk.Change) error {
	if c.Type == wire.EventSnapshot {
		return t.begin(c)
	}
	line := t.line(&c.Event)
	t.learn(&c.Event)
	return printLine(t.w, line)
}

// begin gathers the parts of a snapshot and lists them when the last has come.
func (t *teller) begin(c *clientsdk.Change) error {
	if t.snapshot = append(t.snapshot, c.Leases...); c.More {
		return nil
	}
	leases := t.snapshot
	t.snapshot = nil
	clear(t.known)
	for i := range leases[:min(len(leases), maxKnown)] {
		t.known[leases[i].ID] = leases[i]
	}
	return t.list(c.Revision, leases)
}

func (t *teller) listLines(revision uint64, leases []wire.Lease) error {
	if err := printLine(t.w, fmt.Sprintf("%d alive as of revision %d", len(leases), revision)); err != nil {
		return err
	}
	for i := range leases {
		l := &leases[i]
		if err := printLine(t.w, "  "+spaced(stateOf(l), l.ID, l.Service, hostPort(l.Address, l.Port))); err != nil {
			return err
		}
	}
	return nil
}

// printLine fails where nobody reads any more, as behind a pipe.
func printLine(w io.Writer, line string) error {
	if _, err := fmt.Fprintln(w, printable(line)); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func (t *teller) learn(e *wire.Event) {
	switch {
	case e.Lease == nil || e.LeavesFilter:
		delete(t.known, e.ID)
	case len(t.known) < maxKnown:
		t.known[e.ID] = *e.Lease
	}
}

// line is an event in a line: when, what, who, and what of it.
func (t *teller) line(e *wire.Event) string {
	words := eventWords(e)
	if before, ok := t.known[e.ID]; ok && e.Type == "updated" && e.Lease != nil {
		words = differences(&before, e.Lease)
	}
	if e.LeavesFilter {
		words += ", which is not watched any more"
	}
	return spaced(instant(e.At), fmt.Sprintf("%-10s", e.Type), e.ID, e.Service, words)
}

// spaced lines up what is not empty.
func spaced(parts ...string) string {
	return joined("  ", parts)
}

// eventWords says what an event did, as far as it tells by itself.
func eventWords(e *wire.Event) string {
	switch {
	case e.Type == "replaced" && e.Certificate != nil:
		return fmt.Sprintf("epoch %d took over from epoch %d%s", e.Epoch, e.Certificate.Epoch, at(e.Lease))
	case e.Certificate != nil:
		return endWords(e.Certificate)
	case e.Type == "draining":
		return fmt.Sprintf("epoch %d is to be sent no new work", e.Epoch)
	case e.Type == "held" && e.Lease != nil:
		return fmt.Sprintf("epoch %d is past its TTL, but not buried: %s", e.Epoch, e.Lease.HeldReason)
	case e.Type == "released":
		return fmt.Sprintf("epoch %d is not held any more", e.Epoch)
	case e.Lease != nil:
		return listed("epoch "+strconv.FormatUint(e.Epoch, 10), "TTL "+milliseconds(e.Lease.TTLMS)+at(e.Lease), tagsOf(e.Lease))
	}
	return ""
}

// endWords tells a certificate in a few words.
func endWords(c *wire.Certificate) string {
	age := milliseconds(int64(c.LastRenewalAgeMS))
	heard := "its grant was " + age + " before"
	if c.LastSeq > 0 {
		heard = fmt.Sprintf("last heard with seq %d %s before", c.LastSeq, age)
	}
	if c.Cause != "expired" {
		return fmt.Sprintf("epoch %d, %s", c.Epoch, heard)
	}
	words := fmt.Sprintf("epoch %d, %s; TTL %s, buried %s late by %s",
		c.Epoch, heard, milliseconds(c.TTLMS), milliseconds(int64(c.OverdueMS)), c.Judge)
	if c.JudgeStallMS > 0 {
		words += ", which had not run for " + milliseconds(int64(c.JudgeStallMS))
	}
	return words
}

func at(l *wire.Lease) string {
	if l == nil || l.Address == "" && l.Port == 0 {
		return ""
	}
	return " at " + hostPort(l.Address, l.Port)
}

func tagsOf(l *wire.Lease) string {
	if len(l.Tags) == 0 {
		return ""
	}
	return "tags " + strings.Join(l.Tags, " ")
}

func joined(between string, parts []string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), between)
}
