package registry

// Code is the outcome of a command or of one beat.
type Code uint8

// The codes; all but OK and Duplicate refuse.
const (
	OK             Code = iota
	Duplicate           // the same seq, or the same Idempotency-Key, again
	NotFound            // lease_not_found
	Superseded          // a newer epoch holds the id: CurrentEpoch
	StaleSequence       // seq lower than the last one accepted: CurrentSeq
	Ended               // lease_ended: Certificate
	Taken               // id_taken: Lease is the holder's
	Jump                // seq more than 1,000,000 ahead
	WrongTerm           // a Serve, an Expire or a Hold of another term: no effect
	ForeignCluster      // a Serve of another cluster id: no effect
	NoMessage           // message_not_found
	MailboxFull         // mailbox_full: a limit of the mailbox or of all mail
	BeyondEnd           // an Ack up to an offset that was not given yet
)

// MaxJump is the most by which a seq may exceed the last one.
const MaxJump = 1_000_000

// Result is what one command did.
type Result struct {
	Code Code
	// Revision is that of the change (for a repeated Grant, of the first), or the
	// registry's if nothing changed.
	Revision uint64
	// Lease is the lease after a Grant or a Patch (also a repeated one), and
	// the holder's where the code is Taken.
	Lease *Lease
	// Created says that the id was not alive before a Grant.
	Created bool
	// ReplacedEpoch is the epoch that a Grant took over (for a repeated Grant, that
	// the first did), else 0.
	ReplacedEpoch uint64
	// Certificate is the ended lease's: of a Leave or an Evict, or with Ended.
	Certificate  *Certificate
	CurrentEpoch uint64 // with Superseded
	CurrentSeq   uint64 // with StaleSequence
	// Pending is how many messages wait for the id, after a Grant.
	Pending int
	// RemainingMS is how long the lease of Lease has to live on the applying
	// node, by its own judge.
	RemainingMS int64
	// Beats has one result for each beat of a Renew; a RenewNamed has one.
	Beats []BeatResult
	// Buried counts what an Expire ended, or a Hold held; of a Release, who is
	// held in its scope and will be buried in turn.
	Buried int
	// Mail is what a Send, an Ack, a Nack or a Requeue did.
	Mail *MailResult
}

// BeatResult is the outcome of one beat.
type BeatResult struct {
	Code        Code
	TTL         uint32 // milliseconds; 0 where no lease lives
	RemainingMS uint32
	Pending     uint32 // messages that wait for the id
	// Current is the seq last accepted (StaleSequence, Jump) or the epoch that
	// lives (Superseded).
	Current uint64
}

// Outcome is what one entry did.
type Outcome struct {
	Index    uint64
	Revision uint64   // of the registry after the entry
	Results  []Result // one for each command
	Events   []Event
	Holds    int // that began
	// Mail names the mailboxes in which something new is to be read: a message
	// came, came again or was nacked. Each is named once.
	Mail []Identity
}
