package collector

import (
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// patienceShared is into how many crowds those fall that wait for a leader for as
// long as their patience lasts.
const patienceShared = 8

// BeatWaiter hears what became of its beats.
type BeatWaiter interface {
	// BeatDone is called exactly once for each token, from any goroutine, perhaps
	// before BeatLater returns. It must not block, nor call the Collector.
	BeatDone(token uint64, r registry.BeatResult, at Commit, err error)
}

// later is a beat whose caller does not wait in a goroutine of its own.
type later struct {
	waiter BeatWaiter
	token  uint64
	ticket int
}

// BeatLater is Beat for callers that have many on their way: the answer goes to
// w. Config.Patience counts from the first such beat of a crowd, so that one
// timer serves all of it; nobody joins one that has waited for an eighth of it.
func (c *Collector) BeatLater(epoch, seq uint64, w BeatWaiter, token uint64) {
	if err := c.joinLater(epoch, seq, w, token); err != nil {
		w.BeatDone(token, registry.BeatResult{}, Commit{}, err)
	}
}

func (c *Collector) joinLater(epoch, seq uint64, w BeatWaiter, token uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.aged() {
		c.crowd = nil // it waits on; the next beats are another
	}
	u, ticket, err := c.joinCrowd(epoch, seq)
	if err != nil {
		return err
	}
	u.later = append(u.later, later{w, token, ticket})
	if u.patience == nil && c.cfg.Patience > 0 {
		u.patience = time.AfterFunc(c.cfg.Patience, func() { c.lose(u) })
	}
	return nil
}

// aged says that the crowd has waited too long to share its patience.
func (c *Collector) aged() bool {
	return c.crowd != nil && c.cfg.Patience > 0 && time.Since(c.crowd.since) > c.cfg.Patience/patienceShared
}

// lose tells those who do not wait themselves that it took too long.
func (c *Collector) lose(u *unit) {
	c.mu.Lock()
	lost := u.detach()
	for _, l := range lost {
		u.gone = append(u.gone, l.ticket)
		c.part(u)
	}
	c.mu.Unlock()
	for _, l := range lost {
		l.waiter.BeatDone(l.token, registry.BeatResult{}, Commit{}, fmt.Errorf("%w: %w", ErrNoLeader, errPatience))
	}
}

// detach takes the beats off a unit that somebody is to be told of: whoever
// does, under the lock, tells them. Those that join it later have a patience of
// their own.
func (u *unit) detach() []later {
	if u.patience != nil {
		u.patience.Stop()
	}
	told := u.later
	u.later, u.patience = nil, nil
	return told
}

// tell answers them. Only after results, commit and err are set.
func (u *unit) tell(told []later) {
	for _, l := range told {
		r, at, err := u.beat(l.ticket)
		l.waiter.BeatDone(l.token, r, at, err)
	}
}
