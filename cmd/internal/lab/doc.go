//go:build linux

// Package lab is a network of its own on one machine, and processes in it that
// are killed, stopped, starved and cut off from each other. Each process has a
// network namespace with one address; all hang on one bridge, at which the
// caller sits. Delay comes from a relay in user space, since not every kernel
// has netem.
//
// The caller runs in fresh namespaces of network, mounts and processes (Main).
// So nothing that it does reaches the machine's own network, and whatever its
// end, the kernel ends every process and takes every link away. What outlives
// namespaces, control groups and a directory, is removed by who started it, and
// by the next start where that one was killed.
//
// It knows nothing about what the processes do.
package lab
