package registry

// LeaseState says where a lease or an id stands.
type LeaseState uint8

// The states of a live lease, then those of an id that is gone.
const (
	Alive LeaseState = iota + 1
	Draining
	Held // past its TTL, but the cluster does not bury it now
	Left
	Expired
	Evicted
)

var stateNames = [...]string{"", "alive", "draining", "held", "left", "expired", "evicted"}

func (s LeaseState) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return ""
}

// lives tells whether a live lease may be in that state, and resume that one.
func (s LeaseState) lives(resumes LeaseState) bool {
	switch s {
	case Alive, Draining:
		return resumes == 0
	case Held:
		return resumes == Alive || resumes == Draining
	}
	return false
}

// ParseLeaseState returns the state of that name.
func ParseLeaseState(name string) (LeaseState, bool) {
	for i := Alive; int(i) < len(stateNames); i++ {
		if stateNames[i] == name {
			return i, true
		}
	}
	return 0, false
}

// Lease is a copy of one live lease, for readers.
type Lease struct {
	NS, ID     string
	Spec       Spec
	State      LeaseState
	HeldReason string     // with Held
	Resumes    LeaseState // with Held: what a renewal makes of it, Alive or Draining
	Epoch, Seq uint64
	TTL        uint32 // milliseconds
	GrantedAt  int64  // Unix milliseconds
	RenewedAt  int64  // Unix milliseconds; GrantedAt before the first renewal
	Renewals   uint64
	Missed     uint64 // seqs left out
	Revision   uint64 // of the last change other than a renewal

	// Slot finds the lease's deadline in this replica's Deadlines.
	Slot uint32
}

// drains tells whether the holder means to go.
func (l *Lease) drains() bool { return l.State == Draining || l.Resumes == Draining }

// Cause says why a lease ended.
type Cause uint8

// The causes of API.md section 3.
const (
	CauseExpired Cause = iota + 1
	CauseLeft
	CauseEvicted
	CauseReplaced
)

var causeNames = [...]string{"", "expired", "left", "evicted", "replaced"}

func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return ""
}

// Certificate is the durable record of why a lease ended.
type Certificate struct {
	NS, ID, Service  string
	Epoch            uint64
	Cause            Cause
	At               int64 // Unix milliseconds
	Revision         uint64
	Judge            string // node id
	Term             uint64
	LastSeq          uint64
	LastRenewalAgeMS uint64
	TTL              uint32
	OverdueMS        uint64
	Missed           uint64
	JudgeStallMS     uint32
}
