package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// explainOccupied adds to the error of a port that is taken who has it, where
// that can be found out.
func explainOccupied(err error) error {
	var op *net.OpError
	if !errors.Is(err, syscall.EADDRINUSE) || !errors.As(err, &op) || op.Addr == nil {
		return err
	}
	_, port, splitErr := net.SplitHostPort(op.Addr.String())
	if splitErr != nil {
		return err
	}
	owner := portOwner(op.Addr.Network(), port)
	if owner == "" {
		return err
	}
	return fmt.Errorf("%w (port %s is held by %s)", err, port, owner)
}
