//go:build unix

package raftstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// lockDir takes the exclusive lock of a data directory for as long as this
// process lives or until it is closed.
func lockDir(path string) (io.Closer, error) {
	d, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return d, nil
	}
	d.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: %s; stop that process or choose another --data-dir", ErrInUse, path)
	}
	return nil, fmt.Errorf("lock data directory: %w", err)
}
