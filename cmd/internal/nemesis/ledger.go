//go:build linux

package main

import (
	"fmt"
	"sync"
	"time"
)

// kind is which promise was broken, or that something went wrong otherwise.
type kind string

const (
	early   kind = "early"   // a lease that was renewed in time died (3)
	late    kind = "late"    // a silent one did not end in its time (4)
	lost    kind = "lost"    // something acknowledged is not there (1, 8)
	twice   kind = "twice"   // something took effect again (2, 5, 6)
	gap     kind = "gap"     // a watch skipped, repeated or mixed up (7)
	stale   kind = "stale"   // a read claimed more than it knew (9)
	differs kind = "differs" // nodes differ (10)
	fell    kind = "fell"    // a process ended by itself
	stuck   kind = "stuck"   // the cluster did not come back
	refused kind = "refused" // a request that the contract allows, or this driver's own mistake
)

// finding is one broken promise.
type finding struct {
	kind kind
	at   time.Time
	text string
}

// maxFindings is how many are kept; more would say nothing new.
const maxFindings = 200

// ledger is what the whole fleet notes: how much was done, and what was wrong.
type ledger struct {
	mu       sync.Mutex // guards what follows
	asked    int
	acked    int // of those that write
	found    int
	findings []finding
	writes   time.Time     // of the last acknowledged write
	outage   time.Duration // the longest between two of them since it was taken
	unsure   []string      // deaths while the driver itself did not run
}

func newLedger() *ledger { return &ledger{writes: time.Now()} }

func (l *ledger) answered(a *answer, write bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if !write || !a.ok() {
		return
	}
	l.acked++
	l.outage = max(l.outage, a.got.Sub(l.writes))
	l.writes = a.got
}

func (l *ledger) find(k kind, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found++
	if len(l.findings) < maxFindings {
		l.findings = append(l.findings, finding{k, time.Now(), fmt.Sprintf(format, args...)})
	}
}

func (l *ledger) doubt(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsure = append(l.unsure, what)
}

// tally is the ledger since it was taken last.
type tally struct {
	asked, acked int
	outage       time.Duration
	findings     []finding
}

// take returns what came since the last time. Findings stay.
func (l *ledger) take(since int) tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := tally{l.asked, l.acked, max(l.outage, time.Since(l.writes)), append([]finding(nil), l.findings[min(since, len(l.findings)):]...)}
	l.asked, l.acked, l.outage = 0, 0, 0
	return t
}

// count is how many findings are kept.
func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.findings)
}

// of counts the findings of those kinds.
func (t *tally) of(kinds ...kind) (n int) {
	for _, f := range t.findings {
		for _, k := range kinds {
			if f.kind == k {
				n++
			}
		}
	}
	return n
}
