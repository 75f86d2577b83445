package sim

import "github.com/seed-b4c92e43/rollcall/registry"

// Bugs are planted outside the registry: in the collector, the log, the
// storage and the conduct of a node. The checkers must catch each.
type Bugs struct {
	AckBeforeCommit  bool // renewals are answered when they are proposed
	BurialByFollower bool // a node that was deposed goes on judging, in the new leader's name
	DropWaiting      bool // the collector now and then loses a renewal that it took
	NoWaiting        bool // the judge is not told what waits
	RetryNewSeq      bool // a renewal that is sent again gets a new seq
	LoseLogTail      bool // a restarted node has lost the end of its log
	ForgetTerm       bool // a restarted node has forgotten its term and vote
	CommitAlone      bool // the leader counts only itself
	NoObstruction    bool // the judge is not told that proposals are stuck
	SkipReplay       bool // a restart replays from the image, not from the renewals
	CommandTwice     bool // a command whose fate is unknown is proposed again
	RefuseLocally    bool // a node refuses a beat because its own replica does not know the epoch
	RestampBurial    bool // a burial carries Raft's present term instead of the judge's
	PackAhead        bool // renewals are packed without the image that they belong to
	ForgetKey        bool // the Idempotency-Key is not handed on when a grant is repeated
	ResendNewID      bool // a message that is sent again gets a new id
	MailBeforeCommit bool // what is asked of mailboxes is answered when it is proposed

	Registry registry.Faults
}
