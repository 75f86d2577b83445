package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestMain lets the test binary be the servers that do nothing, as the program
// is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == yardArgument {
		serveYardsticks(os.Args[2])
	}
	os.Exit(m.Run())
}

// smallSizes make every work short: it shall run, its figures mean nothing.
func smallSizes() sizes {
	return sizes{
		connections: 16, pipes: 4, depth: 10, leases: 64, batched: 64, batch: 16,
		writers: 8, listed: 50, listers: 4, watches: 12, pause: 10 * time.Millisecond,
		silent: 100, silentTTL: 2 * time.Second, weighed: 200, settle: 10 * time.Millisecond, hopeful: 4,
	}
}

// TestEveryWorkRuns starts the real servers, lets each do every work for a
// moment, and wants a figure of every entry and nothing left behind. Where CI
// is set, every program must be there.
func TestEveryWorkRuns(t *testing.T) {
	o := options{rounds: 1, ports: 18920, rollcall: filepath.Join(t.TempDir(), "rollcall"), works: workNames()}
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", o.rollcall, "./cmd/rollcall").CombinedOutput(); err != nil {
		t.Fatalf("build rollcall: %v\n%s", err, out)
	}
	for _, name := range peerNames {
		only := options{peers: []string{name}, rollcall: o.rollcall}
		switch err := checkPrograms(only); {
		case err == nil:
			o.peers = append(o.peers, name)
		case os.Getenv("CI") != "":
			t.Error(err)
		default:
			t.Logf("left out: %v", err)
		}
	}
	at, err := newPlace(t.TempDir(), o.ports)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{place: at, rollcall: o.rollcall, duration: 200 * time.Millisecond, size: smallSizes()}
	r := newReport(t.Context(), o, time.Now())
	for _, w := range r.works {
		t.Run(w.name, func(t *testing.T) { checkWork(t, b, r, w) })
	}
	if err := at.leave(); err != nil {
		t.Error(err)
	}
	if err := at.checkPorts(); err != nil {
		t.Errorf("a server was left: %v", err)
	}
}

func checkWork(t *testing.T, b *bench, r *report, w *work) {
	r.progress = t.Output()
	r.round(t.Context(), b, w, 0)
	r.progress = io.Discard
	for _, e := range w.entries {
		switch got := r.about[e]; {
		case r.faults[e] != nil:
			t.Errorf("%s: %v", e.label, r.faults[e])
		case len(got) != 1:
			t.Errorf("%s: ran %d times, not once", e.label, len(got))
		case !(got[0][0] > 0) && !slices.Contains([]string{"memory", "storm"}, w.name): // may be nothing, or a little early
			t.Errorf("%s: %v of %s", e.label, got[0][0], w.columns[0].title)
		}
	}
}
