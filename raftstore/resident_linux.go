package raftstore

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// unmap lets go of the pages of a mapped database that this process has read.
// They stay in the system's cache and come back from there without a read of the
// disk, but no longer count as memory of this process. While tx lasts the map
// stays where it is.
func unmap(tx *bolt.Tx) error {
	info := tx.DB().Info()
	size := uintptr(tx.Size())
	size -= size % uintptr(info.PageSize)
	if _, _, errno := unix.Syscall(unix.SYS_MADVISE, info.Data, size, unix.MADV_DONTNEED); errno != 0 {
		return fmt.Errorf("let go of the pages of %s: %w", tx.DB().Path(), errno)
	}
	return nil
}
