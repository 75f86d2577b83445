package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// logTail is how much of a server's log an error quotes, in bytes.
const logTail = 600

// process is one server that this program started. The kernel kills it when
// this program is killed.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string        // the file with its output
	ended chan struct{} // closed when it is gone and was waited for
}

// start starts a program with its output in a file of dir. The caller ends it
// with kill.
func start(dir, name, program string, args ...string) (*process, error) {
	p := &process{name: name, cmd: exec.Command(program, args...), log: filepath.Join(dir, name+".log"), ended: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close()
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true} // Ctrl-C is ours, not the server's
	started := make(chan error)
	go p.watch(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// watch keeps the thread that started the child until the child is gone: the
// kernel takes the thread's death for its parent's.
func (p *process) watch(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // it is killed: that is no success
		close(p.ended)
	}
}

// kill ends the process at once and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // gone already: all the better
	<-p.ended
}

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// fault says of a process that should run how it ended; nil while it runs.
func (p *process) fault() error {
	if p.alive() {
		return nil
	}
	said, _ := os.ReadFile(p.log) // what cannot be read is not quoted
	if len(said) > logTail {
		said = said[len(said)-logTail:]
	}
	return fmt.Errorf("%s ended (%v): %s", p.name, p.cmd.ProcessState, strings.TrimSpace(string(said)))
}

func killAll(processes []*process) {
	for _, p := range processes {
		p.kill()
	}
}
