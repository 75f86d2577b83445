//go:build unix

package loadgen

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime is what this process has used so far, of users and of the
// system; -1 where the system does not tell.
func processorTime() time.Duration {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return -1
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
