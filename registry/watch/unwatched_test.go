package watch

import (
	"testing"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// TestWhatNobodyWatchedIsEncodedWhenItIsRead: events that went by without any
// subscription are in the ring all the same; the first reader encodes them, for
// all others too.
func TestWhatNobodyWatchedIsEncodedWhenItIsRead(t *testing.T) {
	s, encoded := new(source), 0
	h, err := New(Config{Log: s.log, Revision: s.now, Ring: 16, Encode: func(e *registry.Event) []byte { encoded++; return encode(e) }})
	if err != nil {
		t.Fatal(err)
	}
	publish(h, s.happen("a", nil, lease("web")))
	h.run() // the ring begins
	subscribe(t, h, Filter{}, 0).Close()
	for range 5 {
		publish(h, s.happen("a", nil, lease("web")))
		h.run()
	}
	if encoded != 0 {
		t.Errorf("%d events were encoded for nobody", encoded)
	}
	s.reads = 0
	for range 3 {
		sub := subscribe(t, h, Filter{}, 2)
		if got := revisions(t, sub); len(got) != 4 || got[0] != 3 || got[3] != 6 {
			t.Fatalf("revisions %v, want 3 to 6", got)
		}
		sub.Close()
	}
	if encoded != 4 || s.reads > 3 { // a new subscription asks the log once
		t.Errorf("%d events were encoded, the log was read %d times", encoded, s.reads)
	}
	if h.ring.bytes != ringWeight(h) {
		t.Errorf("the ring counts %d bytes, has %d", h.ring.bytes, ringWeight(h))
	}
}

func ringWeight(h *Hub) (sum int) {
	for i := range h.ring.count {
		sum += h.ring.at(i).weight()
	}
	return sum
}
