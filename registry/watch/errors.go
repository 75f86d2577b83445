package watch

import (
	"errors"
	"fmt"
)

var (
	// ErrCompacted is returned when an event after the revision asked for is no
	// longer kept. The error is a [CompactedError].
	ErrCompacted = errors.New("compacted")
	// ErrTooMany is returned when there are as many subscriptions, or bells, as
	// there may be.
	ErrTooMany = errors.New("too many watch here already")
	// ErrClosed is returned when the hub or the subscription was closed.
	ErrClosed = errors.New("closed")
)

// CompactedError says how far back events are kept. It is an ErrCompacted.
type CompactedError struct {
	After  uint64 // what was asked for
	Oldest uint64 // the revision of the oldest event that is kept
}

func (e *CompactedError) Error() string {
	return fmt.Sprintf("compacted: not every event after revision %d is kept, the oldest is %d", e.After, e.Oldest)
}

// Is makes every CompactedError an ErrCompacted.
func (e *CompactedError) Is(target error) bool { return target == ErrCompacted }
