//go:build !linux

package clientsdk

import "time"

// sinceBoot is unknown here. Go's own monotonic clock, which clock reads too,
// runs on in suspend on Windows, and stands still on macOS and the BSDs.
func sinceBoot() time.Duration { return 0 }
