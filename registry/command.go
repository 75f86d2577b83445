package registry

// Spec is what a registration says of its holder.
type Spec struct {
	Service string // "" or [A-Za-z0-9._-]{1,64}
	Address string
	Port    uint16
	Tags    []string // in the order given, without repetition
	Meta    []Pair   // sorted by Key, without repetition
}

// Pair is one entry of a lease's meta.
type Pair struct{ Key, Value string }

// Command is one thing that the state machine is asked to do. The set is
// closed: every implementation is in this file and has a case in the codec.
type Command interface{ command() }

// Grant makes a lease, or takes a live one over.
type Grant struct {
	NS, ID string
	Spec   Spec
	TTL    uint32 // milliseconds
	// IfAbsent refuses to take over a live id (If-None-Match: *).
	IfAbsent bool
	// Key is the Idempotency-Key, "" for none. It is looked at first.
	Key string
}

// Renew renews many leases at once. With NS "" the proposer vouches that each
// epoch belongs to the id (or namespace) that the client named: an epoch's id
// never changes, so any replica that knows the epoch may check that. With a
// namespace only leases of it are renewed.
type Renew struct {
	NS    string
	Beats Beats
}

// RenewNamed renews the lease of one id whose epoch the proposing node does
// not know (its replica may lag, or the client is wrong).
type RenewNamed struct {
	NS, ID     string
	Epoch, Seq uint64
}

// Patch changes what is named (not nil) of a live lease.
type Patch struct {
	NS, ID  string
	Epoch   uint64
	State   *LeaseState // Alive or Draining
	Address *string
	Port    *uint16
	Tags    *[]string
	Meta    *[]Pair
}

// Leave ends a lease by the will of its holder.
type Leave struct {
	NS, ID string
	Epoch  uint64
}

// Evict ends a lease by the will of an operator, whatever its epoch.
type Evict struct{ NS, ID string }

// Expire buries leases, each only if nothing was heard of it since the judge
// decided: its seq is unchanged and the entry's own Raft term is Term.
type Expire struct {
	Term    uint64 // of the judge's Serve
	StallMS uint32 // the judge's last stall, if it bears on this decision
	Burials []Burial
}

// Burial is one lease of an Expire, with what the judge measured on its own
// lease clock.
type Burial struct {
	Epoch, Seq uint64
	AgeMS      uint32 // since the last acknowledged grant or renewal
	OverdueMS  uint32 // AgeMS beyond the TTL
}

// Serve opens the service of a leader in its own term: only after it has been
// applied may that leader judge. It also carries the limits by which every
// replica forgets, so that all forget the same, and founds the cluster once.
type Serve struct {
	Term      uint64
	ClusterID string
	Retention Retention
}

// Check asks every replica to note its digest at this entry (promise 10).
type Check struct{}

// Hold keeps overdue leases from being buried, because too many of their scope
// fell silent at once (see Protection). Like Expire it has no effect on a lease
// that was heard of since, nor in another term; nor while the scope rests.
type Hold struct {
	Term    uint64
	NS      string // of the scope
	Service string // "" for all of the namespace
	// Reason, MaxMS and RestMS count where the hold begins: what was seen, for
	// people; how long it lasts at most; and for how long after such an end, or a
	// Release, nobody is held again. Both in milliseconds of cluster time.
	Reason        string
	MaxMS, RestMS uint64
	Burials       []Burial
}

// Release ends the holds of a namespace and of its services, or of one service
// alone. Who is held stays so until it renews, or its turn comes to be buried as
// others are.
type Release struct {
	NS      string
	Service string // "" for all of the namespace
}

// Send puts a message at the end of an id's mailbox. The same id again, for as
// long as the message or its tombstone is kept, has no effect.
type Send struct {
	NS, ID  string // of the mailbox
	Message MessageID
	TTL     uint64 // milliseconds of cluster time
	Body    Body
}

// Ack ends messages: all up to an offset, or those named. With an epoch it has
// an effect only while that epoch holds the id.
type Ack struct {
	NS, ID   string
	Epoch    uint64 // 0: whoever
	UpTo     uint64
	Messages []MessageID
}

// Nack gives messages back: each comes again after a while that doubles, and
// the nack of number Retention.Mail.MaxAttempts moves it to the dead letters.
type Nack struct {
	NS, ID   string
	Epoch    uint64 // 0: whoever
	Messages []MessageID
	// Attempt is the number that this nack has, as its sender counts: a message
	// nacked as often before is left alone. 0: the next.
	Attempt uint32
	Reason  string
}

// Requeue puts a dead letter at the end of its mailbox, with no attempts.
type Requeue struct {
	NS, ID  string
	Message MessageID
}

func (*Grant) command()      {}
func (*Renew) command()      {}
func (*RenewNamed) command() {}
func (*Patch) command()      {}
func (*Leave) command()      {}
func (*Evict) command()      {}
func (*Expire) command()     {}
func (*Serve) command()      {}
func (*Check) command()      {}
func (*Hold) command()       {}
func (*Release) command()    {}
func (*Send) command()       {}
func (*Ack) command()        {}
func (*Nack) command()       {}
func (*Requeue) command()    {}

// Retention bounds what is kept of the past. Ages count in cluster time.
type Retention struct {
	CertificateMS  uint64 // 0 takes the default, 24 h
	CertificateMax uint32 // 0 takes the default, 100,000
	EventMS        uint64 // 0 takes the default, 24 h
	EventMax       uint32 // 0 takes the default, 100,000
	EventBytes     uint64 // 0 takes the default, 64 MiB
	Mail           MailLimits
}

// MailLimits bounds mailboxes and what is remembered of messages. Ages count
// in cluster time. 0 takes the default everywhere.
type MailLimits struct {
	Messages    uint32 // that wait in one mailbox; 10,000
	Bytes       uint64 // of their bodies; 16 MiB
	TotalBytes  uint64 // of all mailboxes' bodies, dead letters too; 4 GiB
	MaxAttempts uint32 // nacks until a message is a dead letter; 5
	Tombstones  uint32 // of one mailbox; 10,000
	TombstoneMS uint64 // 24 h
	Dead        uint32 // dead letters of one mailbox; 1,000. Older ones expire
	DeadMS      uint64 // 7 days from their death
	Idle        uint32 // empty mailboxes whose next offset is remembered; 100,000
}

// Entry is the content of one Raft log entry: commands that are applied in
// order, under one stamp.
type Entry struct {
	Wall     int64  // Unix milliseconds on the proposer's clock; for people
	Advance  uint32 // lease-clock milliseconds since the proposer's last entry; without effect in the first of a term
	Proposer string // node id
	Commands []Command
}

// Position is where an entry stands in the log.
type Position struct{ Index, Term uint64 }
