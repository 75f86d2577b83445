package main

import "testing"

func TestFit(t *testing.T) {
	for name, test := range map[string]struct {
		text          string
		width, height int
		want          string
	}{
		"fits":       {"one\ntwo\n", 3, 3, "one\ntwo\n"},
		"too wide":   {"one\nthree\n", 4, 3, "one\nthr…\n"},
		"too many":   {"1\n2\n3\n4\n", 20, 4, "1\n2\n… and 2 more\n"},
		"letters":    {"äöüß\n", 4, 3, "äöüß\n"},
		"no size":    {"one\ntwo\n", 0, 0, "one\ntwo\n"},
		"tiny":       {"one\ntwo\n", 2, 1, "one\ntwo\n"},
		"just right": {"1\n2\n3\n", 20, 4, "1\n2\n3\n"},
	} {
		if got := fit(test.text, test.width, test.height); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
