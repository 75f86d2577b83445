//go:build !failpoint

package raftstore

// failAt is where a build with the tag failpoint can be made to end, see
// failpoint_on.go. Here it is nothing, and nothing can switch it on.
func failAt(string, string) {}

// tuned returns what a build with that tag can be told to take instead.
func tuned(_ string, normal uint64) uint64 { return normal }
