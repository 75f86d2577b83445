package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// whyEvents is how many events of an id are looked at to say how it fared of
// late.
const whyEvents = 100

// endings are the events that end an epoch, in the order in which they are
// told.
var endings = []struct{ event, words string }{
	{"expired", "fell silent and expired"},
	{"left", "left"},
	{"evicted", "was evicted"},
	{"replaced", "was taken over by a newer registration"},
}

// explainPast tells from an id's events, newest first, how often it came and
// went, how late its expiries were, and since when it is held.
func explainPast(events []wire.Event) []string {
	var lines []string
	if held := sinceHeld(events); held != "" {
		lines = append(lines, held)
	}
	ends, epochs := countEvents(events)
	if len(ends) == 0 {
		return lines
	}
	since := instant(events[len(events)-1].At)
	lines = append(lines, fmt.Sprintf("Since %s it was registered %s, %s.", since, times(uint64(epochs)), strings.Join(ends, ", ")))
	if worst := worstExpiry(events); worst != nil {
		lines = append(lines, fmt.Sprintf("The most overdue of its expiries came %s after the TTL had passed, judged by %s.",
			milliseconds(int64(worst.OverdueMS)), worst.Judge))
	}
	return lines
}

// countEvents says how often each kind of end was, and how many epochs began.
func countEvents(events []wire.Event) (ends []string, epochs int) {
	kinds := make(map[string]int)
	for i := range events {
		kinds[events[i].Type]++
	}
	for _, e := range endings {
		if n := kinds[e.event]; n > 0 {
			ends = append(ends, e.words+" "+times(uint64(n)))
		}
	}
	return ends, kinds["registered"] + kinds["replaced"]
}

// worstExpiry is the certificate of the most overdue of several expiries, nil
// where there were not several.
func worstExpiry(events []wire.Event) *wire.Certificate {
	var worst *wire.Certificate
	expiries := 0
	for i := range events {
		c := events[i].Certificate
		if c == nil || c.Cause != "expired" {
			continue
		}
		expiries++
		if worst == nil || c.OverdueMS > worst.OverdueMS {
			worst = c
		}
	}
	if expiries < 2 {
		return nil
	}
	return worst
}

// sinceHeld tells since when an id is held, if the last that happened to it is
// that.
func sinceHeld(events []wire.Event) string {
	i := slices.IndexFunc(events, func(e wire.Event) bool { return e.Type != "updated" && e.Type != "draining" })
	if i < 0 || events[i].Type != "held" {
		return ""
	}
	return "It has been held since " + instant(events[i].At) + "."
}
