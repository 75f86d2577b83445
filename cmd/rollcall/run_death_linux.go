package main

import (
	"os/exec"
	"runtime"
	"syscall"
)

// bindLives arranges that the kernel ends the child when this process is
// killed, for its lease ends then too. The kernel watches the thread that
// starts the child (prctl(2), PR_SET_PDEATHSIG): the caller's goroutine keeps
// it until release.
func bindLives(child *exec.Cmd) (release func()) {
	runtime.LockOSThread()
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return runtime.UnlockOSThread
}
