package sim

import "github.com/seed-b4c92e43/rollcall/registry"

// Bugs are planted outside the registry: in the collector, the log, the
// storage and the conduct of a node. The checkers must catch each.
type Bugs struct {
	AckBeforeCommit    bool // renewals are answered when they are proposed
	BurialByFollower   bool // a node that was deposed goes on judging, in the new leader's name
	DropWaiting        bool // the collector now and then loses a renewal that it took
	NoWaitingCheck     bool // the judge is not told what waits
	RetryNewSeq        bool // a renewal that is sent again gets a new seq
	LoseLogTail        bool // a restarted node has lost the end of its log
	ForgetVote         bool // a restarted node has lost its term and vote
	CommitAlone        bool // the leader counts only itself
	InheritOldTerm     bool // an entry of an old term is committed by counting
	NoObstruction      bool // the judge is not told that proposals are stuck
	ServeWithoutLog    bool // Serve is taken for applied when it is proposed
	StaleImage         bool // a restart takes an old image for the newest
	SkipReplay         bool // a restart skips a part of the log
	ApplyUncommitted   bool // a follower applies what it merely received
	CommandTwice       bool // a command whose fate is unknown is proposed again
	ForgetKey          bool // the Idempotency-Key is not handed on
	AnswerFromSnapshot bool // a repeated beat is answered by its node's memory, whatever the log says

	Registry registry.Faults
}
