package raftstore

import (
	"fmt"
	"runtime/debug"
)

// guard turns a panic of bbolt over a file that is not what it seems, and a
// fault in its mapping, into an error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errCorrupt, p)
		}
	}()
	return f()
}
