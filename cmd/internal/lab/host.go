//go:build linux

package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Host is one namespace with an address, and the process that runs in it. Dir
// and log outlive the process.
type Host struct {
	Name string
	Addr string // IPv4
	Dir  string // for its data, and the log of its process

	number int
	space  *space
	relay  *relay
	cage   *cage

	mu     sync.Mutex // guards what follows
	cmd    *exec.Cmd  // nil unless it runs
	ended  chan struct{}
	paused bool
}

// LogFile is where the process writes its output, all starts in one.
func (h *Host) LogFile() string { return filepath.Join(h.Dir, "log") }

// Start runs a program on the host. It may be called again after its end.
func (h *Host) Start(program string, args ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	log, err := os.OpenFile(h.LogFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := h.space.do(cmd.Start); err != nil {
		return fmt.Errorf("start on %s: %w", h.Name, err)
	}
	h.cmd, h.ended, h.paused = cmd, make(chan struct{}), false
	go func(ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(h.ended)
	return h.cage.take(cmd.Process.Pid)
}

// Kill ends the process at once, if it runs, and waits for its end.
func (h *Host) Kill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cmd != nil {
		_ = h.cmd.Process.Signal(syscall.SIGKILL)
		<-h.ended
		h.cmd = nil
	}
}

// Stop asks the process to end, and kills it after limit. It returns its exit
// code, -1 where it was killed.
func (h *Host) Stop(limit time.Duration) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cmd == nil {
		return 0
	}
	_ = h.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-h.ended:
	case <-timer.C:
		_ = h.cmd.Process.Signal(syscall.SIGKILL)
		<-h.ended
	}
	code := h.cmd.ProcessState.ExitCode()
	h.cmd = nil
	return code
}

// Pause stops the process where it is; Resume lets it go on.
func (h *Host) Pause() { h.signal(syscall.SIGSTOP, true) }

// Resume undoes Pause.
func (h *Host) Resume() { h.signal(syscall.SIGCONT, false) }

func (h *Host) signal(s syscall.Signal, paused bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cmd != nil {
		_ = h.cmd.Process.Signal(s)
		h.paused = paused
	}
}

// Running tells whether the process was started, not ended by this package, and
// is not paused.
func (h *Host) Running() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cmd != nil && !h.paused
}

// Fell tells whether the process ended though nobody asked for it.
func (h *Host) Fell() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cmd == nil {
		return false
	}
	select {
	case <-h.ended:
		return true
	default:
		return false
	}
}

// pid is that of the process, 0 where none runs.
func (h *Host) pid() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cmd == nil {
		return 0
	}
	return h.cmd.Process.Pid
}
