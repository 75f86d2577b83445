package collector

import (
	"errors"
	"fmt"
)

var (
	// ErrNoLeader is returned when no leader is known to have committed the
	// request: definitely not or possibly not. The same request may be tried
	// again.
	ErrNoLeader = errors.New("no leader")

	// ErrNotSent is an ErrNoLeader of which the sink vouches that nothing of the
	// batch was or will be proposed.
	ErrNotSent = fmt.Errorf("%w: not sent", ErrNoLeader)

	// ErrOverloaded is returned when a request is refused because too much waits
	// already. It was not queued.
	ErrOverloaded = errors.New("overloaded")

	// ErrTooLarge is returned for a group of more beats than Config.MaxGroup, or
	// one whose length is no multiple of registry.BeatSize.
	ErrTooLarge = errors.New("group of beats too large or torn")

	errStopped  = fmt.Errorf("%w: this node is stopping", ErrNotSent)
	errPatience = errors.New("waited too long")
)
