//go:build unix

package main

import (
	"os"
	"syscall"
)

// passedOn are the signals that a child gets when its holder does.
var passedOn = []os.Signal{
	os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2,
}
