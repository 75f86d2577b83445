package registry

// Faults are planted bugs: each breaks one promise on purpose, so that the
// simulator can show that it would notice. They are for the simulator only;
// zero, as everywhere else, they cost nothing.
type Faults struct {
	// Of the judge.
	NoServeFloor    bool // a new leader judges by its old deadlines at once
	NoStallFloor    bool // a late tick is believed
	NoObstructFloor bool // a leader that silenced its clients buries at once
	NoWaitingCheck  bool // a renewal that waits in the collector does not count
	NoMargin        bool // and half the TTL will do
	WallClock       bool // the lease clock runs on while the process does not
	ServeAtLead     bool // judges as soon as Raft says leader, whatever is applied
	SlotInherits    bool // a lease in a used slot has the deadline of the last one
	LoadExpired     bool // a loaded lease has no time left

	// Of the state machine.
	BurialWithoutSeq     bool // buries whoever renewed since the decision
	BurialWithoutTerm    bool // obeys a judge that was deposed
	DuplicateExtends     bool // the same seq again extends the lease
	StaleSeqAccepted     bool // a lower seq extends the lease
	EpochReuse           bool // who takes over gets the old epoch
	OldEpochLeaves       bool // a Leave of an old epoch ends the new one
	CertificateForgotten bool // an ending leaves no certificate
	MapOrderInApply      bool // burials in no certain order
	TimeCountedTwice     bool // a new leader advances the cluster time from its own last entry on

	// Of mail.
	DuplicateSendAgain bool // the same message id again is another message
	OffsetReused       bool // when the last message is acknowledged, its offset is free
	NackKills          bool // one nack less makes a dead letter
	BackoffForgotten   bool // a nacked message comes again at once
	ExpireEarly        bool // messages expire five seconds early
	TombstonesDropped  bool // an ended message leaves no tombstone
	GapForgotten       bool // an expired message whose tombstone goes leaves no gap
	MailboxUnknown     bool // a lease does not learn of the mailbox of its id
	FloorForgotten     bool // a mailbox made anew begins at offset 1

	// Of the log of events.
	EventSkipped bool // of the burials of one entry only the first is logged
	CompactedLie bool // forgotten events are said to be kept

	// Of the durable image.
	AckUnsaved        bool // an acknowledgement is not written
	BodyUnsaved       bool // nor are bodies
	CheckpointIgnored bool // packed renewals are not loaded
	ReplayApplies     bool // a replayed entry is applied once more
	ReplayEmits       bool // a replayed entry hands out the newest event once more
	EventTwice        bool // the newest event of an image is loaded twice
	EventNotLoaded    bool // the oldest event of an image is not loaded
}

// Plant switches planted bugs on. It is for tests only.
func (r *Replica) Plant(f Faults) {
	r.faults = f
	r.deadlines.faults = f
}

// shuffled visits the burials in the order of a map.
func (c *Expire) shuffled(f func(Burial)) {
	set := make(map[uint64]Burial, len(c.Burials))
	for _, b := range c.Burials {
		set[b.Epoch] = b
	}
	for _, b := range set {
		f(b)
	}
}

// misload loads events wrongly.
func (s *State) misload(g *eventLog) {
	switch {
	case g.count == 0:
	case s.faults.EventTwice:
		newest := g.at(g.count - 1)
		g.add(newest.revision, newest.record)
	case s.faults.EventNotLoaded:
		unknown := g.dropped
		g.shift()
		g.dropped = unknown
	}
}
