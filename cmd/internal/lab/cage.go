//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// cgroups is where version 1 of the control groups keeps those of processors.
const cgroups = "/sys/fs/cgroup/cpu"

// period is the one in which a quota of processor time is counted, in
// microseconds.
const period = 100_000

// cage is the control group of one host's processes. It has no limit but while
// the host is starved.
type cage struct{ dir string } // "" where the machine has none

// newCage makes one below a group of the lab's own, named as its directory, so
// that a sweep finds it.
func newCage(dir, name string) (*cage, error) {
	if _, err := os.Stat(filepath.Join(cgroups, "cpu.cfs_quota_us")); errors.Is(err, os.ErrNotExist) {
		return new(cage), nil
	}
	c := &cage{dir: filepath.Join(cgroups, filepath.Base(filepath.Dir(dir)), name)}
	return c, os.MkdirAll(c.dir, 0o755)
}

func (c *cage) take(pid int) error {
	if c.dir == "" {
		return nil
	}
	return c.write("cgroup.procs", pid)
}

func (c *cage) write(file string, value int) error {
	if err := os.WriteFile(filepath.Join(c.dir, file), []byte(strconv.Itoa(value)), 0o600); err != nil {
		return fmt.Errorf("control group: %w", err)
	}
	return nil
}

// Starved gives the host's processes that share of one processor. They run for
// their share of every 100 ms, and then not until the next.
func (h *Host) Starved(share float64) (Undo, error) {
	if h.cage.dir == "" {
		return nil, fmt.Errorf("control groups for processors: %w", ErrMissing)
	}
	if err := h.cage.write("cpu.cfs_quota_us", int(share*period)); err != nil {
		return nil, err
	}
	return func() error { return h.cage.write("cpu.cfs_quota_us", -1) }, nil
}

// Full lets the process open only so many files more than it has open now.
// What was taken back is given to that process only: a new one starts without.
func (h *Host) Full(more int) (Undo, error) {
	pid := h.pid()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return nil, err
	}
	var old unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &old); err != nil {
		return nil, fmt.Errorf("limit open files: %w", err)
	}
	tight := unix.Rlimit{Cur: uint64(len(open) + more), Max: old.Max}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &tight, nil); err != nil {
		return nil, fmt.Errorf("limit open files: %w", err)
	}
	return func() error {
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &old, nil); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("limit open files: %w", err)
		}
		return nil
	}, nil
}
