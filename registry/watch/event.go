package watch

import "github.com/seed-b4c92e43/rollcall/registry"

// Event is an event as one subscription gets it. It is shared and must not be
// changed.
type Event struct {
	*registry.Event
	Raw    []byte // encoded, with leaves_filter where Leaves
	Leaves bool   // the lease lives on, but is no longer what the filter asks for
}

const leavesMember = `,"leaves_filter":true}`

// leaving returns the event with leaves_filter in its encoding, which is an
// object and has other members.
func (e Event) leaving() Event {
	raw := make([]byte, 0, len(e.Raw)+len(leavesMember))
	raw = append(raw, e.Raw[:len(e.Raw)-1]...)
	return Event{e.Event, append(raw, leavesMember...), true}
}
