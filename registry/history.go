package registry

// EventsAfter returns the kept events after a revision, oldest first, at most
// limit of them. It is false when an event after that revision is no longer
// kept.
func (s *State) EventsAfter(after uint64, limit int) (events []Event, kept bool) { return nil, true }

// OldestEvent returns the revision of the oldest event that is kept; where
// none is, the least revision after which nothing was forgotten.
func (s *State) OldestEvent() uint64 { return 1 }

// History returns the kept events of one id, over all its epochs, newest first.
func (s *State) History(ns, id string, limit int) []Event { return nil }

// RevisionAt returns the last revision stamped at or before a wall time in
// Unix milliseconds; false beyond what is kept.
func (s *State) RevisionAt(wall int64) (revision uint64, kept bool) { return 0, false }

// ListAt answers a query as of a revision; false beyond what is kept. Seq,
// renewals and their times mean nothing in its leases.
func (s *State) ListAt(q Query, revision uint64) (page Page, kept bool) { return Page{}, false }

// Flapping tells whether an id came and went too often of late (RFC 2439), at
// a moment of the cluster time.
func (s *State) Flapping(ns, id string, now uint64) bool { return false }
