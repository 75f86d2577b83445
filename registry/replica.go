package registry

import "time"

// LeaseTime is a reading of one node's lease clock, in milliseconds. It is
// never sent, stored or compared between nodes.
type LeaseTime int64

// Replica is one node's copy of the truth with its own judge of time beside
// it. It has no lock: its holder guards it. Every `mono` is a monotonic
// reading of the holder's process clock (time since the process started).
type Replica struct {
	*State
	deadlines *Deadlines
}

// NewReplica returns an empty replica for the node of that id.
func NewReplica(node string) *Replica { panic("skeleton") }

// Apply applies one committed entry. Entries at or below the index with which
// the state was loaded change nothing but renewals (see State.Load).
func (r *Replica) Apply(at Position, e *Entry, mono time.Duration) Outcome { panic("skeleton") }

// Lead says that this node is Raft leader in that term: when its Serve of that
// term is applied, it judges.
func (r *Replica) Lead(term uint64) { panic("skeleton") }

// Depose ends judging (leadership lost, or shutting down).
func (r *Replica) Depose() { panic("skeleton") }

// Serving returns the term in which this node serves, or false.
func (r *Replica) Serving() (term uint64, ok bool) { panic("skeleton") }

// Tick advances the lease clock (every TickEvery) and the wheel. It returns
// the stall when the tick came late by StallAfter or more, else 0.
func (r *Replica) Tick(mono time.Duration) (stall time.Duration) { panic("skeleton") }

// Obstruct says that the leader silences its clients now (its oldest proposal
// waits too long, or it refuses renewals): nobody is buried while it lasts,
// and it ends with a floor of T/2.
func (r *Replica) Obstruct(mono time.Duration, obstructed bool) { panic("skeleton") }

// Due returns whom the judge would bury now, at most max of them, or nil.
// waiting tells whether a renewal of that epoch beyond that seq was received
// but is not committed yet; such a lease gets a floor of now + T/2 instead.
func (r *Replica) Due(mono time.Duration, max int, waiting func(epoch, seq uint64) bool) *Expire {
	panic("skeleton")
}

// Clock reads the lease clock.
func (r *Replica) Clock(mono time.Duration) LeaseTime { panic("skeleton") }

// Remaining returns how long a lease has by this node's judge, in
// milliseconds: negative when it is past its TTL here.
func (r *Replica) Remaining(slot uint32, mono time.Duration) int64 { panic("skeleton") }

// LastCheck returns the index of the last Check applied and the digest there.
func (r *Replica) LastCheck() (index, digest uint64) { panic("skeleton") }
