package registry

import (
	"testing"
	"time"
)

// allocations holds what f allocates, once it is warm, against a ceiling.
func allocations(t *testing.T, what string, most float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, f); got > most {
		t.Errorf("%s allocates %v times, want at most %v", what, got, most)
	}
}

// TestHotPathsDoNotAllocate: what is done for every heartbeat takes no memory
// for each, only for the entry that holds them.
func TestHotPathsDoNotAllocate(t *testing.T) {
	l := load(t, 10_000)
	for _, n := range []int{1, 16, 1000, 8000} {
		beats := make(Beats, 0, n*BeatSize)
		renew := &Renew{}
		e := &Entry{Proposer: "n1", Commands: []Command{renew}}
		// The results of the entry, and those of its beats.
		allocations(t, "an entry of renewals", 2, func() {
			renew.Beats = l.beats(beats[:0], n)
			l.Apply(Position{Index: l.Index() + 1, Term: 1}, e, 0)
		})
		data := e.Append(nil)
		allocations(t, "encoding an entry", 0, func() { data = e.Append(data[:0]) })
		// The list of commands, the command, and the name of the proposer.
		allocations(t, "decoding an entry", 3, func() { _, _ = DecodeEntry(data) })
		results := []Result{{Beats: make([]BeatResult, n)}}
		packed := AppendResults(nil, results)
		allocations(t, "encoding results", 0, func() { packed = AppendResults(packed[:0], results) })
	}
	allocations(t, "finding the holder of an epoch", 0, func() { l.Holder(l.epochs[0]) })
	mono := time.Duration(0)
	allocations(t, "a tick", 0, func() {
		mono += TickEvery
		l.Tick(mono)
	})
}
