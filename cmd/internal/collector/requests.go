package collector

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// Beat renews one lease whose epoch the caller has verified: it belongs to the
// id that the client named. It returns when the renewal is committed, with what
// it did; with ErrNoLeader when ctx (or Config.Patience) ends before, and then
// it may still be committed; or with ErrOverloaded.
func (c *Collector) Beat(ctx context.Context, epoch, seq uint64) (registry.BeatResult, Commit, error) {
	u, ticket, err := c.join(epoch, seq)
	if err != nil {
		return registry.BeatResult{}, Commit{}, err
	}
	if err := c.wait(ctx, u.done); err != nil {
		c.abandonBeat(u, ticket)
		return registry.BeatResult{}, Commit{}, err
	}
	return u.beat(ticket)
}

// join adds a beat to the crowd that waits, the hot path.
func (c *Collector) join(epoch, seq uint64) (*unit, int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.joinCrowd(epoch, seq)
}

// joinCrowd is join for a caller that holds the lock.
func (c *Collector) joinCrowd(epoch, seq uint64) (*unit, int, error) {
	one := load{beats: 1, singles: 1}
	if err := c.admit(one); err != nil {
		return nil, 0, err
	}
	if c.crowd == nil {
		c.crowd = newCrowd(c.usual + c.usual/8 + 16)
		c.queue(c.crowd)
	}
	u := c.crowd
	ticket := u.join(epoch, seq)
	c.waiting.add(one)
	c.arrived++
	if ticket+1 == c.cfg.MaxBatchBeats {
		c.crowd = nil
	}
	c.nudge()
	return u, ticket, nil
}

// Beats renews many leases of a namespace; with ns "" the caller has verified
// every epoch. The result has one entry for each beat, in order. The collector
// keeps beats after a return with an error: the caller must not change them.
func (c *Collector) Beats(ctx context.Context, ns string, beats registry.Beats) ([]registry.BeatResult, Commit, error) {
	if len(beats)%registry.BeatSize != 0 || beats.Len() > c.cfg.MaxGroup {
		return nil, Commit{}, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(beats))
	}
	result, commit, err := c.Do(ctx, &registry.Renew{NS: ns, Beats: beats})
	return result.Beats, commit, err
}

// Do proposes one command and returns what it did when it is committed. An
// ErrNoLeader that is no ErrNotSent is indeterminate.
func (c *Collector) Do(ctx context.Context, cmd registry.Command) (registry.Result, Commit, error) {
	return c.DoInTurn(ctx, cmd, func() {})
}

// DoInTurn is Do for a caller with further commands that must come after this
// one: taken is called when this one has its place, before it is committed. The
// order may be lost where the leader is.
func (c *Collector) DoInTurn(ctx context.Context, cmd registry.Command, taken func()) (registry.Result, Commit, error) {
	u := newUnit(cmd)
	c.mu.Lock()
	err := c.enqueue(u)
	c.mu.Unlock()
	if err != nil {
		return registry.Result{}, Commit{}, err
	}
	taken()
	if err := c.wait(ctx, u.done); err != nil {
		c.abandon(u)
		return registry.Result{}, Commit{}, err
	}
	if u.err != nil {
		return registry.Result{}, Commit{}, u.err
	}
	return u.results[0], u.commit, nil
}

// Barrier returns the index of an entry that was proposed after the call and is
// committed. It shares the next batch, or an empty entry is sent at once.
func (c *Collector) Barrier(ctx context.Context) (index uint64, err error) {
	u, err := c.joinBarrier()
	if err != nil {
		return 0, err
	}
	if err := c.wait(ctx, u.done); err != nil {
		c.abandon(u)
		return 0, err
	}
	return u.commit.Index, u.err
}

func (c *Collector) joinBarrier() (*unit, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.barrier != nil {
		c.barrier.waiters++
		return c.barrier, nil
	}
	u := newUnit()
	if err := c.enqueue(u); err != nil {
		return nil, err
	}
	c.barrier = u
	return u, nil
}

// Forwarded proposes a follower's whole frame, in one batch. done is called
// exactly once, perhaps before Forwarded returns, and must not block: with one
// result for each command, or with ErrOverloaded or ErrNotSent (this node does
// not lead; nothing was proposed), or another error of the sink. The follower
// keeps its frame, so nothing of it is sent again from here.
func (c *Collector) Forwarded(commands []registry.Command, done func([]registry.Result, Commit, error)) {
	u := newUnit(commands...)
	u.reply, u.again = done, false
	if err := c.enqueueFrame(u); err != nil {
		done(nil, Commit{}, err)
	}
}

func (c *Collector) enqueueFrame(u *unit) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.leading {
		return fmt.Errorf("%w: this node does not lead", ErrNotSent)
	}
	return c.enqueue(u)
}

// wait returns nil when done is closed, else why the caller must not wait any
// longer.
func (c *Collector) wait(ctx context.Context, done <-chan struct{}) error {
	var patience <-chan time.Time
	if c.cfg.Patience > 0 {
		timer := c.timers.Get().(*time.Timer)
		timer.Reset(c.cfg.Patience)
		defer c.timers.Put(timer)
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNoLeader, context.Cause(ctx))
	case <-patience:
		return fmt.Errorf("%w: %w", ErrNoLeader, errPatience)
	}
}

// abandonBeat gives a ticket up: the beat is not sent (again) for its caller's
// sake.
func (c *Collector) abandonBeat(u *unit, ticket int) {
	c.mu.Lock()
	u.gone = append(u.gone, ticket)
	c.mu.Unlock()
	c.abandon(u)
}

// abandon says that one caller waits no longer. What nobody waits for leaves
// the queue; what is on its way does not come back.
func (c *Collector) abandon(u *unit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.part(u)
}

// part is abandon for a caller that holds the lock.
func (c *Collector) part(u *unit) {
	u.waiters--
	if u.waiters == 0 && u.queue != nil {
		c.leave(u)
	}
}
