package peer

import (
	"errors"
	"fmt"
)

// ErrClosed is returned when the port, the layer or the stream was closed on
// this side.
var ErrClosed = errors.New("peer: closed")

// ErrRaftDropped is returned by the Raft layer while DropRaft is on.
var ErrRaftDropped = errors.New("peer: raft traffic is switched off on this node")

// ErrTooLarge is returned for a frame beyond MaxFrame, written or read. A stream
// that read one is useless from there on.
var ErrTooLarge = errors.New("peer: frame is too large")

// RefusedError says that whoever answered does not want, or is not, what was
// dialled. Dialling again soon will hardly help.
type RefusedError struct {
	Addr   string   // what was dialled
	By     Identity // who is there
	Reason string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s at %s refused: %s", e.By.ServerID(), e.Addr, e.Reason)
}

// RemoteError is the error that the handler of a call returned on the other node.
type RemoteError struct {
	Method  string
	Message string
}

func (e *RemoteError) Error() string { return "remote " + e.Method + ": " + e.Message }
