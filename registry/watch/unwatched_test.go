package watch

import "testing"

// TestWhatNobodyWatchedIsReadFromTheLog: events that went by without any
// subscription are not in the ring, and who asks for them gets them all.
func TestWhatNobodyWatchedIsReadFromTheLog(t *testing.T) {
	s := new(source)
	h := newTestHub(t, s, Config{Ring: 16})
	for range 5 {
		publish(h, s.happen("a", nil, lease("web")))
		h.run()
	}
	sub := subscribe(t, h, Filter{}, 2)
	publish(h, s.happen("a", nil, lease("web")))
	h.run()
	if got := revisions(t, sub); len(got) != 4 || got[0] != 3 || got[3] != 6 {
		t.Fatalf("revisions %v, want 3 to 6", got)
	}
	sub.Close()
	publish(h, s.happen("a", nil, lease("web")))
	h.run()
	again := subscribe(t, h, Filter{}, 6)
	if got := revisions(t, again); len(got) != 1 || got[0] != 7 {
		t.Fatalf("revisions %v, want 7", got)
	}
}
