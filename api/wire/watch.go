package wire

// Event types beyond those of leases: what opens a watch, and its progress
// while nothing happens.
const (
	EventSnapshot = "snapshot"
	EventBookmark = "bookmark"
)

// Event is one committed change of a lease. At and everything of Lease are as
// of the event; its expires_in_ms is what was left by the wall stamps.
type Event struct {
	Revision     uint64       `json:"revision"`
	Type         string       `json:"type"`
	NS           string       `json:"ns"`
	ID           string       `json:"id"`
	Service      string       `json:"service"`
	Epoch        uint64       `json:"epoch"`
	At           Time         `json:"at"`
	Lease        *Lease       `json:"lease,omitempty"`       // where one lives on
	Certificate  *Certificate `json:"certificate,omitempty"` // where one ended
	LeavesFilter bool         `json:"leaves_filter,omitempty"`
}

// Snapshot opens a watch that named no revision: who is alive as of Revision,
// in parts of at most MaxLimit leases. More is true on all but the last.
type Snapshot struct {
	Revision uint64  `json:"revision"`
	Type     string  `json:"type"` // EventSnapshot
	Leases   []Lease `json:"leases"`
	More     bool    `json:"more"`
}

// Bookmark says that a watch has seen everything up to Revision.
type Bookmark struct {
	Revision uint64 `json:"revision"`
	Type     string `json:"type"` // EventBookmark
}

// EventPage is the answer to a long poll: what came after the revision that was
// asked for, and the revision to ask after next.
type EventPage struct {
	Events []Event `json:"events"`
	Next   uint64  `json:"next"`
}

// HistoryPage is the answer of GET /v1/leases/{id}/history, newest first.
type HistoryPage struct {
	Events []Event `json:"events"`
}
