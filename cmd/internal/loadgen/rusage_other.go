//go:build !unix

package loadgen

import "time"

// processorTime is not told here.
func processorTime() time.Duration { return -1 }
