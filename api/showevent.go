package api

import (
	"bytes"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// EncodeEvent returns an event as watches deliver it in JSON, without a line
// break: what a [watch.Hub] encodes with.
func EncodeEvent(e *registry.Event) []byte {
	raw, err := encodeJSON(showEvent(e))
	if err != nil {
		panic("encode event: " + err.Error()) // a plain struct of what was checked when it came
	}
	return bytes.TrimSuffix(raw, []byte("\n"))
}

func showEvent(e *registry.Event) wire.Event {
	shown := wire.Event{
		Revision:    e.Revision,
		Type:        e.Type.String(),
		NS:          e.NS,
		ID:          e.ID,
		Service:     e.Service,
		Epoch:       e.Epoch,
		At:          wire.Time(e.At),
		Certificate: showCertificate(e.Certificate),
	}
	if e.Lease != nil {
		l := showLease(e.Lease, remainingAt(e.Lease, e.At), nil)
		shown.Lease = &l
	}
	return shown
}

// showWatched shows an event as one watch gets it.
func showWatched(e *watch.Event) wire.Event {
	shown := showEvent(e.Event)
	shown.LeavesFilter = e.Leaves
	return shown
}

// remainingAt returns how long a lease had at a moment by its wall stamps, in
// milliseconds, 0 past its TTL: the same on every node.
func remainingAt(l *registry.Lease, at int64) int64 {
	if l.State == registry.Held {
		return 0
	}
	return max(0, int64(l.TTL)-max(0, at-l.RenewedAt))
}
