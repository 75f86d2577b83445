package registry

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestBeatResultsInRuns: results of few kinds, as batches have them, come back
// as they were.
func TestBeatResultsInRuns(t *testing.T) {
	kinds := []BeatResult{
		{TTL: 10_000, RemainingMS: 10_000},
		{TTL: 10_000, RemainingMS: 10_000, Pending: 1},
		{Code: Superseded, Current: 7},
	}
	rapid.Check(t, func(t *rapid.T) {
		var results []Result
		for range rapid.IntRange(1, 3).Draw(t, "commands") {
			results = append(results, Result{Beats: rapid.SliceOf(rapid.SampledFrom(kinds)).Draw(t, "beats")})
		}
		got, err := DecodeResults(AppendResults(nil, results))
		if err != nil || len(got) != len(results) {
			t.Fatalf("%d results, %v, want %d", len(got), err, len(results))
		}
		for i := range got {
			if !slices.Equal(got[i].Beats, results[i].Beats) {
				t.Fatalf("result %d is %v, want %v", i, got[i].Beats, results[i].Beats)
			}
		}
	})
}

// TestFewBytesForManyBeats: the answer to a usual batch is short, and what
// claims to be longer than any frame is refused before there is room made for it.
func TestFewBytesForManyBeats(t *testing.T) {
	usual := make([]BeatResult, 8000)
	fill(usual, BeatResult{TTL: 10_000, RemainingMS: 10_000})
	if n := len(AppendResults(nil, []Result{{Beats: usual}})); n > 40 {
		t.Errorf("the answer to 8,000 beats has %d bytes", n)
	}
	half := make([]BeatResult, maxRenewed/2+1)
	two := AppendResults(nil, []Result{{Beats: half}, {Beats: half}})
	if _, err := DecodeResults(two); !errors.Is(err, ErrMalformed) {
		t.Errorf("%d beats in %d bytes: %v", 2*len(half), len(two), err)
	}
}

// TestRunsMustFit: a run of nothing, or beyond the count, is refused.
func TestRunsMustFit(t *testing.T) {
	one := AppendResults(nil, []Result{{Beats: make([]BeatResult, 1)}})
	run := len(one) - 6 // a run's length stands before the five fields of its result
	for _, length := range []byte{0, 2} {
		bad := slices.Clone(one)
		bad[run] = length
		if _, err := DecodeResults(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("a run of %d where one beat was promised: %v", length, err)
		}
	}
}
