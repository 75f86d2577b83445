package registry

// EventType names a change of the registry.
type EventType uint8

// The events of API.md section 4.
const (
	EventRegistered EventType = iota + 1
	EventUpdated
	EventDraining
	EventHeld
	EventReleased
	EventLeft
	EventExpired
	EventEvicted
	EventReplaced
)

var eventNames = [...]string{"", "registered", "updated", "draining", "held", "released", "left", "expired", "evicted", "replaced"}

func (t EventType) String() string {
	if int(t) < len(eventNames) {
		return eventNames[t]
	}
	return ""
}

// Event is one committed change of a lease. Revisions rise, with gaps where
// the changes between were of mail.
type Event struct {
	Revision    uint64
	Type        EventType
	NS, ID      string
	Service     string
	Epoch       uint64
	At          int64        // Unix milliseconds
	Lease       *Lease       // where one lives on after the event
	Before      *Lease       // where one lived before it: all but EventRegistered
	Certificate *Certificate // where one ended
}
