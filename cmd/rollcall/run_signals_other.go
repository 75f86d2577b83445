//go:build !unix

package main

import "os"

// passedOn are the signals that a child gets when its holder does.
var passedOn = []os.Signal{os.Interrupt}
