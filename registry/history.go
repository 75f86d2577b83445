package registry

import "sort"

// event returns a kept event.
func (g *eventLog) event(index int) Event {
	e := g.at(index)
	ev, _ := e.record.decode(e.revision) // it was encoded here, or decoded by the load
	return ev
}

// EventsAfter returns the kept events after a revision, oldest first, at most
// limit of them. It is false when an event after that revision is no longer
// kept.
func (s *State) EventsAfter(after uint64, limit int) (events []Event, kept bool) {
	g := &s.events
	if after < g.dropped.revision && !s.faults.CompactedLie {
		return nil, false
	}
	i := g.after(after)
	for end := min(g.count, i+max(0, limit)); i < end; i++ {
		events = append(events, g.event(i))
	}
	return events, true
}

// OldestEvent returns the revision of the oldest event that is kept; where none
// is, the first revision after that of the newest forgotten one.
func (s *State) OldestEvent() uint64 {
	if g := &s.events; g.count > 0 {
		return g.at(0).revision
	}
	return s.events.dropped.revision + 1
}

// History returns the kept events of one id, over all its epochs, newest first,
// at most limit of them.
func (s *State) History(ns, id string, limit int) (events []Event) {
	g := &s.events
	for i := g.last(g.hash(ns, id), ns, id); i >= 0 && len(events) < limit; i = g.previous(i) {
		events = append(events, g.event(i))
	}
	return events
}

// RevisionAt returns a revision as of which ListAt answers for a wall time in
// Unix milliseconds: that of the last event stamped at or before it, 0 before the
// first event ever, the registry's from its last stamp on. (Changes of mail
// between two events have no stamp here.) It is false exactly when that event
// was forgotten and is not the newest of those.
func (s *State) RevisionAt(wall int64) (revision uint64, kept bool) {
	g := &s.events
	if wall >= s.wall {
		return s.revision, true
	}
	i := sort.Search(g.count, func(i int) bool { return g.at(i).record.head().wall > wall })
	switch {
	case i > 0:
		return g.at(i - 1).revision, true
	case g.dropped.revision == 0:
		return 0, true
	}
	return g.dropped.revision, wall >= g.dropped.wall
}
