package watch

import (
	"slices"
	"strings"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// Filter says which events a subscription gets: those of leases for which every
// condition holds before the event or after it.
type Filter struct {
	NS      string // exactly; "" is no wildcard
	Service string // "" for any
	ID      string // "" for any
	Prefix  string // of the id
	Tags    []string

	all bool // whatever the rest says
}

// Everything returns the filter of all events of all namespaces, for a reader
// that serves many.
func Everything() Filter { return Filter{all: true} }

// Match tells whether an event is to be delivered, and whether the lease lives
// on but leaves the filter by it.
func (f *Filter) Match(e *registry.Event) (matches, leaves bool) {
	if f.all {
		return true, false
	}
	if e.NS != f.NS || f.ID != "" && e.ID != f.ID || !strings.HasPrefix(e.ID, f.Prefix) {
		return false, false
	}
	if f.holds(e.Lease) {
		return true, false
	}
	matches = f.holds(e.Before)
	return matches, matches && e.Lease != nil
}

// holds checks what may change with an event.
func (f *Filter) holds(l *registry.Lease) bool {
	if l == nil || f.Service != "" && l.Spec.Service != f.Service {
		return false
	}
	for _, tag := range f.Tags {
		if !slices.Contains(l.Spec.Tags, tag) {
			return false
		}
	}
	return true
}
