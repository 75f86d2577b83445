package clientsdk

import "time"

// State is what a lease's keeper is doing.
type State int

const (
	// Disconnected: nothing is being tried, because the health gate is shut or
	// the keeping has ended; Status.Err says which.
	Disconnected State = iota
	// Connecting: the first grant is being asked for.
	Connecting
	// Connected: granted, and the last heartbeat was acknowledged.
	Connected
	// Reconnecting: a heartbeat failed, or the lease was lost and is being
	// asked for again. The lease may well still be valid.
	Reconnecting
)

var stateNames = [...]string{
	Disconnected: "disconnected", Connecting: "connecting", Connected: "connected", Reconnecting: "reconnecting",
}

func (s State) String() string { return stateNames[s] }

// Status is a state and its reason.
type Status struct {
	State State
	Epoch uint64    // the live epoch, 0 where none is held
	Err   error     // why, nil where all is well: *LostError, *UnwellError, the last failure, or how it ended
	Since time.Time // when this state began
}

// statusBuffer is how many changes wait for a slow reader of Lease.States.
const statusBuffer = 16

// offer puts s into the channel; where that is full, the oldest gives way. It
// has one sender at a time.
func offer[T any](ch chan T, s T) (dropped bool) {
	for {
		select {
		case ch <- s:
			return dropped
		default:
		}
		select {
		case <-ch:
			dropped = true
		default:
		}
	}
}
