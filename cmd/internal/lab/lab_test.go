//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// theLab is one for all tests of this package: its network has one name.
var theLab *Lab

// open returns three hosts whose processes answer.
func open(t *testing.T) (a, b, c *Host) {
	t.Helper()
	if place == "" {
		missing(t, "root")
	}
	if theLab == nil {
		l, err := Open(3, place)
		if errors.Is(err, ErrMissing) {
			missing(t, err.Error())
		}
		if err != nil {
			t.Fatal(err)
		}
		theLab = l
	}
	for _, h := range theLab.Hosts {
		h.Kill()
		start(t, h)
	}
	return theLab.Hosts[0], theLab.Hosts[1], theLab.Hosts[2]
}

// missing skips a test, but not where everything has to be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("needs %s", what)
	}
	t.Skipf("needs %s", what)
}

// start runs this binary on a host, and waits until it listens.
func start(t *testing.T, h *Host) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start("/usr/bin/env", sayer+"="+h.Addr+":9000", self); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; {
		if _, err = said(h.Addr, "hello"); err == nil {
			return
		}
		if time.Since(began) > 5*time.Second {
			t.Fatalf("%s does not listen: %v", h.Name, err)
		}
	}
}

// reaches tells whether one host's process reaches another's.
func reaches(t *testing.T, from, to *Host) bool {
	t.Helper()
	answer, err := said(from.Addr, "dial "+to.Addr)
	if err != nil {
		t.Errorf("the caller does not reach %s: %v", from.Name, err)
	}
	return !strings.HasPrefix(answer, "error")
}

func undone(t *testing.T, undo Undo) {
	t.Helper()
	if err := undo(); err != nil {
		t.Fatal(err)
	}
}

func TestCuts(t *testing.T) {
	a, b, c := open(t)
	for _, cut := range []struct {
		name        string
		inject      func() (Undo, error)
		ab, ba, acs bool // who reaches whom meanwhile
	}{
		{"deaf to one", func() (Undo, error) { return a.Deaf(b.Addr) }, false, false, true},
		{"mute to one", func() (Undo, error) { return a.Mute(b.Addr) }, false, false, true},
		{"deaf to all", func() (Undo, error) { return a.Deaf(Peers) }, false, false, false},
		{"everything lost", func() (Undo, error) { return a.Lossy(Peers, 1) }, false, false, false},
		{"resets", func() (Undo, error) { return a.Rejecting(Peers) }, false, false, false},
	} {
		t.Run(cut.name, func(t *testing.T) {
			undo, err := cut.inject()
			if err != nil {
				t.Fatal(err)
			}
			var ab, ba, acs bool
			var asking sync.WaitGroup
			asking.Go(func() { ab = reaches(t, a, b) })
			asking.Go(func() { ba = reaches(t, b, a) })
			asking.Go(func() { acs = reaches(t, a, c) })
			asking.Wait()
			if ab != cut.ab || ba != cut.ba || acs != cut.acs {
				t.Errorf("reaches: %v %v %v, want %v %v %v", ab, ba, acs, cut.ab, cut.ba, cut.acs)
			}
			undone(t, undo)
			if !reaches(t, a, b) || !reaches(t, b, a) || !reaches(t, a, c) {
				t.Error("not healed")
			}
		})
	}
}

func TestResetIsSaidAtOnce(t *testing.T) {
	a, b, _ := open(t)
	undo, err := a.Rejecting(Peers)
	if err != nil {
		t.Fatal(err)
	}
	defer undone(t, undo)
	answer, err := said(b.Addr, "dial "+a.Addr)
	if err != nil || !strings.Contains(answer, "refused") {
		t.Errorf("%q, %v", answer, err)
	}
}

func TestFaultsLieOverEachOther(t *testing.T) {
	a, b, _ := open(t)
	first, err := a.Deaf(b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	second, err := a.Deaf(Peers)
	if err != nil {
		t.Fatal(err)
	}
	undone(t, second)
	if reaches(t, a, b) {
		t.Error("the first cut went with the second")
	}
	undone(t, first)
	if !reaches(t, a, b) {
		t.Error("not healed")
	}
}

func TestDelayed(t *testing.T) {
	a, b, c := open(t)
	by := Delay{Base: 100 * time.Millisecond, Jitter: 20 * time.Millisecond, Twice: 0.5}
	there, err := a.Delayed(by, theLab.Hosts...)
	if err != nil {
		t.Fatal(err)
	}
	back, err := b.Delayed(by, theLab.Hosts...)
	if err != nil {
		t.Fatal(err)
	}
	// Two ways for the connection, and two for what is said.
	if took := roundTrip(t, a, b); took < 4*80*time.Millisecond || took > 2*time.Second {
		t.Errorf("took %v", took)
	}
	if took := roundTrip(t, c, a); took < 2*80*time.Millisecond {
		t.Errorf("one way: took %v", took)
	}
	undone(t, All(there, back))
	if took := roundTrip(t, a, b); took > 100*time.Millisecond {
		t.Errorf("healed: took %v", took)
	}
}

func roundTrip(t *testing.T, from, to *Host) time.Duration {
	t.Helper()
	answer, err := said(from.Addr, "dial "+to.Addr)
	if err != nil {
		t.Fatal(err)
	}
	took, err := time.ParseDuration(answer)
	if err != nil {
		t.Fatal(answer)
	}
	return took
}

func TestUnplugged(t *testing.T) {
	a, b, _ := open(t)
	undo, err := b.Unplugged()
	if err != nil {
		t.Fatal(err)
	}
	if reaches(t, a, b) {
		t.Error("reaches a host without a link")
	}
	undone(t, undo)
	if !reaches(t, a, b) {
		t.Error("not healed")
	}
}

func TestPauseAndEnd(t *testing.T) {
	a, b, _ := open(t)
	a.Pause()
	if a.Running() || reaches(t, b, a) {
		t.Error("a stopped process answers")
	}
	a.Resume()
	if !a.Running() || !reaches(t, b, a) {
		t.Error("it does not go on")
	}
	if a.Fell() {
		t.Error("it is said to have ended")
	}
	_, _ = said(a.Addr, "end")
	for began := time.Now(); !a.Fell(); {
		if time.Since(began) > 5*time.Second {
			t.Fatal("nobody noticed its end")
		}
	}
	if code := a.Stop(time.Second); code != 7 {
		t.Errorf("exit code %d, want 7", code)
	}
	if code := b.Stop(5 * time.Second); code != -1 || b.Running() {
		t.Errorf("SIGTERM: exit code %d, want -1", code)
	}
}

func TestStarved(t *testing.T) {
	a, _, _ := open(t)
	free := work(t, a)
	undo, err := a.Starved(0.05)
	if errors.Is(err, ErrMissing) {
		missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	if starved := work(t, a); starved > free/3 {
		t.Errorf("did %d of %d with a twentieth of a processor", starved, free)
	}
	undone(t, undo)
	if again := work(t, a); again < free/5 {
		t.Errorf("did %d of %d afterwards", again, free)
	}
}

func work(t *testing.T, h *Host) (n int) {
	t.Helper()
	answer, err := said(h.Addr, "work")
	if err == nil {
		_, err = fmt.Sscan(answer, &n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFull(t *testing.T) {
	a, _, _ := open(t)
	undo, err := a.Full(10)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := said(a.Addr, "open"); err != nil || !strings.Contains(answer, syscall.EMFILE.Error()) {
		t.Errorf("%q, %v", answer, err)
	}
	undone(t, undo)
	if answer, err := said(a.Addr, "open"); err != nil || answer != "open" {
		t.Errorf("afterwards: %q, %v", answer, err)
	}
}

func TestSweep(t *testing.T) {
	root := t.TempDir()
	const nobody = 1 << 30 // beyond the largest process id
	kept, gone := fmt.Sprint(prefix, os.Getpid(), "-x"), fmt.Sprint(prefix, nobody, "-x")
	for _, name := range []string{kept, gone, prefix + "nonsense"} {
		if err := os.MkdirAll(filepath.Join(root, name, "n1"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	sweep([]string{root})
	if _, err := os.Stat(filepath.Join(root, gone)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a dead run left is there: %v", err)
	}
	for _, name := range []string{kept, prefix + "nonsense"} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestBounds(t *testing.T) {
	for _, n := range []int{0, MaxHosts + 1} {
		if _, err := Open(n, t.TempDir()); err == nil {
			t.Errorf("%d hosts were made", n)
		}
	}
}
