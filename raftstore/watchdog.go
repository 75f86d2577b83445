package raftstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"
	"time"
)

// A Raft leader whose disk hangs stays leader for ever (hashicorp/raft#503):
// its replication goroutines go on sending heartbeats. So the watchdog tells
// the node, which drops Raft's traffic that others may elect, and in the end
// ends the process.
const (
	hungAfter     = 2 * time.Second
	fatalAfter    = 10 * time.Second
	watchEvery    = 100 * time.Millisecond
	maxSoftErrors = 3

	// maxPeriods between two looks count at most: while the process itself did
	// not run (SIGSTOP, a frozen machine), no call of it could end, and that says
	// nothing of the disk.
	maxPeriods = 5

	// patience is for calls that Raft does not wait for: a packed checkpoint
	// of many leases may take seconds, which is no reason to depose a leader.
	patience = time.Minute
)

// ErrDisk is wrapped by what OnFatal gets when the disk failed or hung.
var ErrDisk = errors.New("disk")

// watchdog times every call to the disk and judges how it ends.
type watchdog struct {
	every   time.Duration // it looks; watchEvery
	onHung  func(hung bool)
	onFatal func(error)
	observe func(op string, took time.Duration) // may be nil

	mu sync.Mutex // guards what follows
	// inject is the seam of the tests: it runs before each call, may block,
	// and its error is the call's. nil outside of them.
	inject func(op string) error
	next   uint64
	calls  map[uint64]diskCall
	ran    time.Duration // how long this process has run, up to looked
	looked time.Time
	errors int // in a row
	fatal  bool
}

type diskCall struct {
	op         string
	since      time.Time
	from       time.Duration // what the process had run by then
	background bool          // Raft does not wait for it
}

func newWatchdog() *watchdog {
	return &watchdog{every: watchEvery, calls: make(map[uint64]diskCall), looked: time.Now()}
}

// do runs one call to the disk for which Raft waits.
func (w *watchdog) do(op string, f func() error) error {
	return w.call(diskCall{op: op, since: time.Now()}, f)
}

// doBehind runs one call to the disk for which nobody waits.
func (w *watchdog) doBehind(op string, f func() error) error {
	return w.call(diskCall{op: op, since: time.Now(), background: true}, f)
}

func (w *watchdog) call(c diskCall, f func() error) error {
	id, inject := w.begin(c)
	err := run(c.op, inject, f)
	w.end(id)
	if w.observe != nil {
		w.observe(c.op, time.Since(c.since))
	}
	w.judge(c.op, err)
	return err
}

func run(op string, inject func(string) error, f func() error) error {
	if inject != nil {
		if err := inject(op); err != nil {
			return err
		}
	}
	failAt(op, "before")
	err := f()
	failAt(op, "after")
	return err
}

func (w *watchdog) begin(c diskCall) (id uint64, inject func(string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	c.from = w.now()
	w.calls[w.next] = c
	return w.next, w.inject
}

func (w *watchdog) end(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.calls, id)
}

// judge counts errors. A failed fsync must never be tried again (the kernel
// has dropped the pages and the next one succeeds), and bbolt does not say
// which part of a commit failed; only a plain lack of space is forgiven twice.
func (w *watchdog) judge(op string, err error) {
	if err == nil {
		w.mu.Lock()
		w.errors = 0
		w.mu.Unlock()
		return
	}
	w.mu.Lock()
	w.errors++
	soft := noSpace(err) && w.errors < maxSoftErrors
	w.mu.Unlock()
	if !soft {
		w.die(fmt.Errorf("%w: %s: %w", ErrDisk, op, err))
	}
}

// noSpace says whether a write (not an fsync) was refused for lack of space.
func noSpace(err error) bool {
	path, ok := errors.AsType[*fs.PathError](err)
	return ok && path.Op == "write" && errors.Is(path.Err, syscall.ENOSPC)
}

// die reports the end once.
func (w *watchdog) die(err error) {
	w.mu.Lock()
	first := !w.fatal
	w.fatal = true
	w.mu.Unlock()
	if first && w.onFatal != nil {
		w.onFatal(err)
	}
}

// wait returns how long the oldest call in flight has taken for which Raft
// waits.
func (w *watchdog) wait() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var oldest time.Duration
	for _, c := range w.calls {
		if !c.background {
			oldest = max(oldest, w.now()-c.from)
		}
	}
	return oldest
}

// now returns how long this process has run. The caller holds the lock.
func (w *watchdog) now() time.Duration { return w.ran + min(time.Since(w.looked), maxPeriods*w.every) }

// step lets the time go on that has passed since the last look.
func (w *watchdog) step() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ran, w.looked = w.now(), time.Now()
}

// overdue returns the call that has taken longer than any should, and how long.
func (w *watchdog) overdue() (diskCall, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		limit := fatalAfter
		if c.background {
			limit = patience
		}
		if took := w.now() - c.from; took > limit {
			return c, took
		}
	}
	return diskCall{}, 0
}

// watch reports hung calls until ctx ends.
func (w *watchdog) watch(ctx context.Context) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	hung := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			hung = w.look(hung)
		}
	}
}

// look tells of a change since the last look, and returns how it is now.
func (w *watchdog) look(was bool) (hung bool) {
	w.step()
	hung = w.wait() > hungAfter
	if hung != was && w.onHung != nil {
		w.onHung(hung)
	}
	if c, took := w.overdue(); took > 0 {
		w.die(fmt.Errorf("%w: %s has hung for %s", ErrDisk, c.op, took.Round(time.Millisecond)))
	}
	return hung
}
