package raftstore

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// seam stands before the disk and fails or stalls it on demand.
type seam struct {
	op    string
	err   error
	stall chan struct{} // nil: does not stall
}

func (s *seam) inject(op string) error {
	if op != s.op {
		return nil
	}
	if s.stall != nil {
		<-s.stall
	}
	return s.err
}

func TestHungDiskIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, fatal := make(chan bool, 9), make(chan error, 9)
		s := openSingle(t, t.TempDir(), func(c *Config) {
			c.OnHung = func(h bool) { hung <- h }
			c.OnFatal = func(err error) { fatal <- err }
		})
		disk := &seam{op: "log append", stall: make(chan struct{})}
		s.disk.mu.Lock()
		s.disk.inject = disk.inject
		s.disk.mu.Unlock()

		started := time.Now()
		p := s.Propose(entry(grant("a")))
		if !<-hung {
			t.Fatal("told that it is over")
		}
		if took := time.Since(started); took < hungAfter || took > hungAfter+2*watchEvery {
			t.Errorf("told after %s", took)
		}
		if w := s.DiskWait(); w < hungAfter {
			t.Errorf("disk wait %s", w)
		}
		err := <-fatal
		if took := time.Since(started); took < fatalAfter || took > fatalAfter+2*watchEvery {
			t.Errorf("fatal after %s", took)
		}
		if !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), "log append") {
			t.Errorf("fatal: %v", err)
		}
		close(disk.stall)
		if <-hung {
			t.Fatal("told twice that it hangs")
		}
		if _, err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		if len(fatal) != 0 || s.DiskWait() != 0 {
			t.Errorf("%d further fatal errors, disk wait %s", len(fatal), s.DiskWait())
		}
		must(t, s.Close())
	})
}

func TestFailedWriteIsFatalAtOnce(t *testing.T) {
	for _, op := range []string{"log append", "stable store", "image write"} {
		synctest.Test(t, func(t *testing.T) {
			fatal := make(chan error, 9)
			s := openSingle(t, t.TempDir(), func(c *Config) { c.OnFatal = func(err error) { fatal <- err } })
			disk := &seam{op: op, err: syscall.EIO}
			s.disk.mu.Lock()
			s.disk.inject = disk.inject
			s.disk.mu.Unlock()
			s.Propose(entry(grant("a")))
			if op == "stable store" {
				s.log.Set([]byte("x"), nil) //nolint:errcheck // looked at below
			}
			if err := <-fatal; !errors.Is(err, syscall.EIO) || !errors.Is(err, ErrDisk) {
				t.Errorf("%s: fatal: %v", op, err)
			}
			s.Close() //nolint:errcheck // the disk is broken
		})
	}
}

func TestLackOfSpaceIsForgivenTwice(t *testing.T) {
	fatal := 0
	w := newWatchdog()
	w.onFatal = func(error) { fatal++ }
	full := fmt.Errorf("append: %w", &fs.PathError{Op: "write", Path: "raft.db", Err: syscall.ENOSPC})
	for i, step := range []struct {
		err   error
		fatal int
	}{{full, 0}, {full, 0}, {nil, 0}, {full, 0}, {full, 0}, {full, 1}, {full, 1}} {
		w.do("write", func() error { return step.err }) //nolint:errcheck // that is the point
		if fatal != step.fatal {
			t.Fatalf("step %d: fatal %d times, want %d", i, fatal, step.fatal)
		}
	}
	w = newWatchdog()
	w.onFatal = func(error) { fatal++ }
	w.do("fsync", func() error { return &fs.PathError{Op: "sync", Path: "raft.db", Err: syscall.ENOSPC} }) //nolint:errcheck // as above
	if fatal != 2 {
		t.Fatal("a failed fsync was forgiven")
	}
}

func TestBackgroundMayTakeLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatchdog()
		var fatal error
		w.onFatal = func(err error) { fatal = err }
		w.onHung = func(bool) { t.Error("hung") }
		w.doBehind("image write", func() error {
			looks(w, patience-time.Second)
			if w.wait() != 0 || fatal != nil {
				t.Errorf("wait %s, fatal %v", w.wait(), fatal)
			}
			looks(w, 2*time.Second)
			return nil
		}) //nolint:errcheck // returns nil
		if fatal == nil {
			t.Error("never fatal")
		}
	})
}

// looks lets time go by, with a look as often as a watch has one.
func looks(w *watchdog, span time.Duration) {
	for end := time.Now().Add(span); time.Now().Before(end); {
		time.Sleep(watchEvery)
		w.look(false)
	}
}

// TestATimeWithoutLooksIsNoHang: a process that was stopped for longer than a
// disk may hang, amid a call, goes on as if nothing were.
func TestATimeWithoutLooksIsNoHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatchdog()
		w.onFatal = func(err error) { t.Error(err) }
		w.onHung = func(bool) { t.Error("hung") }
		w.do("log append", func() error { //nolint:errcheck // returns nil
			looks(w, time.Second)
			time.Sleep(2 * fatalAfter) // as SIGSTOP has it: no look meanwhile
			w.look(false)
			if got := w.wait(); got > time.Second+maxPeriods*watchEvery {
				t.Errorf("waits for %s", got)
			}
			return nil
		})
	})
}
