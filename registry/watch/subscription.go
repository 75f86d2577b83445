package watch

// Subscription is one reader's place in the events. It belongs to one goroutine,
// but for Close.
type Subscription struct {
	hub    *Hub
	filter Filter
	group  *group
	kept   bool          // what comes after cursor was found in the log; of the owner
	wake   chan struct{} // of capacity 1

	// The hub's lock guards what follows. A subscription that is not idle has
	// something in wake, or its owner is about to call Next.
	cursor uint64 // everything up to it was looked at
	idle   bool   // nothing of what the hub delivered after cursor can match
	at     int    // among the idle of its group
	closed bool
}

// logBatch is how many events one Next reads from the log at most: reading
// them holds the read lock of the replica.
const logBatch = 64

// Wait returns the channel that is ready when Next should be called: when
// something may have come, or the last Next did not see everything. It is ready
// now and then though nothing came.
func (s *Subscription) Wait() <-chan struct{} { return s.wake }

// Next returns the next events that match, in order, at most that many (1 or
// more), and up to which revision everything was looked at. It does not wait:
// there may be none, though upTo went on. The error is a [CompactedError], or
// ErrClosed.
func (s *Subscription) Next(most int) (events []Event, upTo uint64, err error) {
	if err := s.Begin(); err != nil {
		return nil, 0, err
	}
	events, upTo, ok, err := s.fromRing(most)
	if ok || err != nil {
		return events, upTo, err
	}
	return s.fromLog(most, upTo)
}

// Begin asks the log once, so that who comes with an old revision is told the
// same wherever it comes, even where the ring still has what the log has not.
// The error is a [CompactedError]. The first Next begins what has not begun.
func (s *Subscription) Begin() error {
	if s.kept {
		return nil
	}
	after := s.position()
	_, oldest, kept := s.hub.cfg.Log(after, 0)
	if !kept {
		return &CompactedError{After: after, Oldest: oldest}
	}
	s.kept = true
	return nil
}

func (s *Subscription) position() uint64 {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.cursor
}

// fromRing is Next where the ring reaches back far enough; else it is false,
// and upTo is where the subscription stands.
func (s *Subscription) fromRing(most int) (events []Event, upTo uint64, ok bool, err error) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed || s.closed:
		return nil, s.cursor, false, ErrClosed
	case s.idle:
		s.cursor = max(s.cursor, h.revision)
		return nil, s.cursor, true, nil
	case s.cursor < h.ring.floor:
		return nil, s.cursor, false, nil
	}
	i := h.ring.after(s.cursor)
	for ; i < h.ring.count && len(events) < most; i++ {
		e := h.ring.at(i)
		if matches, _ := s.filter.Match(e.Event); matches {
			events = s.collect(events, *h.encoded(e))
		}
		s.cursor = e.Revision
	}
	s.settle(h.revision, i == h.ring.count)
	return events, s.cursor, true, nil
}

// encoded makes sure that an event of the ring is encoded: one that came while
// nobody subscribed was not. The caller holds the lock.
func (h *Hub) encoded(e *Event) *Event {
	if e.Raw == nil {
		e.Raw = h.cfg.Encode(e.Event)
		h.ring.bytes += len(e.Raw) - unencoded
	}
	return e
}

// collect adds an event that matches.
func (s *Subscription) collect(events []Event, e Event) []Event {
	matches, leaves := s.filter.Match(e.Event)
	if leaves {
		e = e.leaving()
	}
	if matches {
		events = append(events, e)
	}
	return events
}

// fromLog is Next for a subscription that is behind the ring.
func (s *Subscription) fromLog(most int, after uint64) (events []Event, upTo uint64, err error) {
	h := s.hub
	known := h.cfg.Revision() // before the log is read, so that it has all up to it
	found, oldest, kept := h.cfg.Log(after, logBatch)
	if !kept {
		return nil, after, &CompactedError{After: after, Oldest: oldest}
	}
	upTo = after
	i := 0
	for ; i < len(found) && len(events) < most; i++ {
		e := &found[i]
		if matches, _ := s.filter.Match(e); matches {
			events = s.collect(events, Event{Event: e, Raw: h.cfg.Encode(e)})
		}
		upTo = e.Revision
	}
	all := i == len(found) && len(found) < logBatch
	h.mu.Lock()
	defer h.mu.Unlock()
	s.cursor = max(s.cursor, upTo)
	s.settle(known, all)
	return events, s.cursor, nil
}

// settle notes that everything up to known was looked at, if all was, and
// whether the subscription may rest until it is woken.
func (s *Subscription) settle(known uint64, all bool) {
	if all {
		s.cursor = max(s.cursor, known)
	}
	if all && s.hub.revision <= s.cursor && !s.closed && !s.hub.closed {
		s.group.rest(s)
		return
	}
	signal(s.wake)
}

// rouse ends the rest: there may be something after seen.
func (s *Subscription) rouse(seen uint64) {
	s.cursor, s.idle = max(s.cursor, seen), false
	signal(s.wake)
}

// Close ends the subscription; it may be called again, and by any goroutine.
func (s *Subscription) Close() {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if s.idle {
		s.group.drop(s)
	}
	h.topics.leave(s.group)
	h.subscriptions--
	signal(s.wake)
}
