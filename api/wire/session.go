package wire

// Subprotocols of GET /v1/session.
const (
	SessionJSON = "rollcall.v1.json" // text frames
	SessionCBOR = "rollcall.v1.cbor" // binary frames
)

// Ops of a client's frames on a session.
const (
	OpRegister   = "register"
	OpHeartbeat  = "heartbeat"
	OpHeartbeats = "heartbeats"
	OpUpdate     = "update"
	OpLeave      = "leave"
	OpSend       = "send"
	OpAck        = "ack"
	OpNack       = "nack"
	OpWatch      = "watch"
	OpUnwatch    = "unwatch"
)

// Ops of a server's frames: answers, then what it pushes.
const (
	OpOK       = "ok"
	OpError    = "error"
	OpMessage  = "message"
	OpEvent    = "event"
	OpLost     = "lost"
	OpDraining = "draining"
)

// Limits of a session.
const (
	MaxFrame          = 128 << 10 // bytes of a client's frame that every server takes; one with a greater MaxBody takes that
	MaxInFlight       = 1024      // requests; beyond it the server reads no further
	MaxSessionLeases  = 10_000    // whose mail and end a session is told of
	MaxSessionWatches = 100
	MaxRID            = 128 // bytes of a rid that is a string
)

// PushedMessage is a message in the mailbox of a lease of the session.
type PushedMessage struct {
	Op      string  `json:"op"`           // OpMessage
	NS      string  `json:"ns,omitempty"` // where it is not DefaultNS
	To      string  `json:"to"`
	Message Message `json:"message"`
}

// LostLease says that a lease of the session has ended, not by its own leave.
type LostLease struct {
	Op          string       `json:"op"` // OpLost
	ID          string       `json:"id"`
	Epoch       uint64       `json:"epoch"`
	Certificate *Certificate `json:"certificate"` // null where it is no longer kept
}
