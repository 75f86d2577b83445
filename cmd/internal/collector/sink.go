package collector

import "github.com/seed-b4c92e43/rollcall/registry"

// Commit is where a batch stands in the log.
type Commit struct {
	Index    uint64 // Raft index of its entry
	Revision uint64 // of the registry after it
}

// Batch is the content of one log entry: renewals first, burials last. A batch
// without commands is a barrier and needs an entry of its own all the same.
type Batch struct {
	Commands []registry.Command
}

// Sink is where batches go.
type Sink interface {
	// Send hands a batch over. It must not block, and calls done exactly once,
	// from any goroutine (its own call included), with one result for each
	// command, or with an error: ErrNotSent, if the batch was not and will not be
	// proposed; another ErrNoLeader, if that is unknown; any other error is
	// given to the callers as it is. The sink keeps nothing of b after done.
	Send(b *Batch, done func([]registry.Result, Commit, error))
}
