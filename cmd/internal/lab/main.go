//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// inside is the variable by which a program knows that it runs in namespaces of
// its own; its value is the place that Main made for it.
const inside = "ROLLCALL_LAB"

// prefix begins the names of what outlives namespaces; the process id of who
// answers for it follows.
const prefix = "rollcall-lab-"

// ErrNotRoot is returned when the program may not make namespaces.
var ErrNotRoot = errors.New("lab needs root, to make namespaces")

// Main runs the same program again in fresh namespaces and returns its exit
// code, or, in there, calls run with a context that SIGINT and SIGTERM end and
// with a directory for what the processes write, which is removed afterwards.
func Main(run func(ctx context.Context, dir string) int) (int, error) {
	if place := os.Getenv(inside); place != "" {
		return within(place, run)
	}
	if os.Geteuid() != 0 {
		return 1, ErrNotRoot
	}
	sweep(places())
	dir, err := os.MkdirTemp("", fmt.Sprint(prefix, os.Getpid(), "-"))
	if err != nil {
		return 1, err
	}
	defer sweepOf(os.Getpid(), places())
	return launch(dir)
}

func within(place string, run func(ctx context.Context, dir string) int) (int, error) {
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"none", "/", "", unix.MS_REC | unix.MS_PRIVATE},
		{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
	} {
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return 1, fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, place), nil
}

// launch starts the program in its namespaces and passes signals on. The thread
// is kept, because the child dies with the thread that made it.
func launch(dir string) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start in namespaces: %w", err)
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case s := <-signals:
				_ = cmd.Process.Signal(s)
			case <-ended:
				return
			}
		}
	}()
	err := cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

// sweep removes what earlier runs left that could not remove it themselves.
// Process ids mean something only outside of the namespaces.
func sweep(roots []string) {
	for _, path := range leftovers(roots, prefix+"*") {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), prefix), "-")
		pid, err := strconv.Atoi(owner)
		if err == nil && pid > 0 && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			sweepOf(pid, roots)
		}
	}
}

// sweepOf removes what one run left. A control group goes when its last process
// is gone, which takes a moment.
func sweepOf(pid int, roots []string) {
	for _, dir := range leftovers(roots, fmt.Sprint(prefix, pid, "-*")) {
		if !strings.HasPrefix(dir, cgroups) {
			_ = os.RemoveAll(dir)
			continue
		}
		for range 50 {
			inner, _ := filepath.Glob(filepath.Join(dir, "*", "cgroup.procs"))
			for _, procs := range inner {
				_ = unix.Rmdir(filepath.Dir(procs))
			}
			if unix.Rmdir(dir) == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// places are where something may be left.
func places() []string { return []string{os.TempDir(), cgroups} }

func leftovers(roots []string, pattern string) (list []string) {
	for _, root := range roots {
		found, _ := filepath.Glob(filepath.Join(root, pattern))
		list = append(list, found...)
	}
	return list
}
