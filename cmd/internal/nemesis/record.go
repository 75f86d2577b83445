//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// record is what really happened, as all nodes agree on it.
type record struct {
	upTo uint64                // revision
	ends map[uint64]wire.Event // of ended leases, by epoch
	all  int                   // events
}

func newRecord(revision uint64) *record {
	return &record{upTo: revision, ends: make(map[uint64]wire.Event)}
}

// extend reads the events up to a revision from every node, and compares them.
func (f *fleet) extend(ctx context.Context, upTo uint64) ([]wire.Event, error) {
	var first []wire.Event
	for i, node := range f.nodes {
		events, err := f.events(ctx, node, f.record.upTo, upTo)
		if err != nil {
			return nil, fmt.Errorf("events of %s: %w", node, err)
		}
		if i == 0 {
			first = events
		} else if at, a, b := difference(first, events); at >= 0 {
			f.ledger.find(differs, "event %d of %d on %s is %s, of %d on %s %s", at, len(first), f.nodes[0], a, len(events), node, b)
		}
	}
	f.record.upTo = upTo
	f.record.all += len(first)
	for _, e := range first {
		if e.Certificate != nil {
			f.record.ends[e.Certificate.Epoch] = e
		}
		if e.Certificate != nil && e.Service != carriedService { // whose grants nobody records
			f.ops.Certificate(0, e.Certificate)
		}
	}
	return first, nil
}

// events are those of one node after a revision, up to another.
func (f *fleet) events(ctx context.Context, node string, after, upTo uint64) (list []wire.Event, err error) {
	a := f.ask(ctx, node, get(fmt.Sprintf("%s?limit=1&min_revision=%d", wire.PathAlive, upTo), 7*time.Second))
	if !a.ok() {
		return nil, fmt.Errorf("revision %d: %s", upTo, a.text())
	}
	for after < upTo {
		a := f.ask(ctx, node, get(fmt.Sprintf("%s?after=%d&wait_ms=1", wire.PathWatch, after), 5*time.Second))
		var page wire.EventPage
		if !a.ok() {
			return nil, fmt.Errorf("after %d: %s", after, a.text())
		}
		if err := a.into(&page); err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			if e.Revision <= upTo {
				list = append(list, e)
			}
		}
		if page.Next <= after {
			return list, nil // nothing else happened
		}
		after = page.Next
	}
	return list, nil
}

// difference returns where two lists of events differ, and how; -1 where they
// do not. Hints of the node that answered do not count.
func difference(a, b []wire.Event) (at int, inA, inB string) {
	for i := range max(len(a), len(b)) {
		if x, y := plain(a, i), plain(b, i); x != y {
			return i, x, y
		}
	}
	return -1, "", ""
}

func plain(list []wire.Event, i int) string {
	if i >= len(list) {
		return "missing"
	}
	e := list[i]
	if e.Lease != nil {
		l := *e.Lease
		l.Late, l.Flapping, l.RTTMS = false, false, nil
		e.Lease = &l
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
