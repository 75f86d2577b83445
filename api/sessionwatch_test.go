package api

import (
	"bytes"
	"testing"

	"github.com/seed-b4c92e43/rollcall/registry"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// TestSessionWatchFallsBehind: what is compacted while the client does not read
// ends the watch under its rid, which is free then.
func TestSessionWatchFallsBehind(t *testing.T) {
	kept := true
	hub, err := watch.New(watch.Config{
		Encode: EncodeEvent, Revision: func() uint64 { return 5 },
		Log: func(uint64, int) ([]registry.Event, uint64, bool) { return nil, 4, kept },
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Node: hollow{hub: hub}})
	if err != nil {
		t.Fatal(err)
	}
	c := &session{server: s, format: jsonFrames, wake: make(chan struct{}, 1)}
	c.room.L = &c.mu
	w := &writer{session: c}
	ask := func() []byte {
		c.take(frameText, []byte(`{"op":"watch","rid":"w","after":1}`))
		c.work.Wait()
		out, _ := w.fetch()
		return out.frames
	}
	if got := ask(); !bytes.Contains(got, []byte(`"op":"ok","rid":"w"`)) {
		t.Fatalf("%q", got)
	}
	kept = false
	w.visit(false)
	got, n := w.pushEvents(nil)
	for _, want := range []string{`"op":"error","rid":"w"`, `"code":"compacted"`, `"oldest_revision":4`} {
		if n != 1 || !bytes.Contains(got, []byte(want)) {
			t.Errorf("%q, %d frames: want %s", got, n, want)
		}
	}
	kept = true
	if got := ask(); !bytes.Contains(got, []byte(`"op":"ok"`)) {
		t.Errorf("%q", got)
	}
	c.forsake()
}
