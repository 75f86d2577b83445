package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// supervise runs a child to its end: it passes signals on, sends SIGTERM once
// stop is closed (nil: never), and returns the exit code as a shell counts it.
func supervise(child *exec.Cmd, stop <-chan struct{}) (int, error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, passedOn...)
	defer signal.Stop(signals)
	defer bindLives(child)()
	if err := child.Start(); err != nil {
		return 0, notRunnable(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for {
		select {
		case s := <-signals:
			if !fromTerminal(s) {
				_ = child.Process.Signal(s) // it may have ended just now
			}
		case <-stop:
			_ = child.Process.Signal(syscall.SIGTERM)
			stop = nil
		case err := <-ended:
			return codeOf(child, err)
		}
	}
}

// fromTerminal tells whether the child got the signal already: a terminal sends
// those of its keys to the whole foreground group.
func fromTerminal(s os.Signal) bool {
	return (s == os.Interrupt || s == syscall.SIGQUIT) && isTerminal(os.Stdin)
}

func codeOf(child *exec.Cmd, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return child.ProcessState.ExitCode(), nil
}
