package raftstore

import "syscall"

// freeSpace returns what a process without privileges may still write to the
// file system of path, and its size, in bytes.
func freeSpace(path string) (free, size uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, 0, err
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), nil
}
