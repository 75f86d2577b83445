package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"go.etcd.io/bbolt"
)

var errNoSender = errors.New("the outbox was opened without a sender")

// Run sends what waits until ctx or the outbox ends, and returns the cause of
// that. It also ends with an error of the disk, since what it sends from then
// on would be sent again.
func (o *Outbox) Run(ctx context.Context) error {
	ended, err := o.begin()
	if err != nil {
		return err
	}
	defer ended()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(context.Canceled)
	stop := context.AfterFunc(o.base, func() { cancel(context.Cause(o.base)) })
	defer stop()
	for {
		key, err := o.await(ctx)
		if err == nil {
			err = o.send(ctx, key)
		}
		if err != nil {
			return err
		}
	}
}

// begin makes sure that there is one Run, and returns how to end it.
func (o *Outbox) begin() (ended func(), err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return nil, ErrClosed
	case o.config.Sender == nil:
		return nil, errNoSender
	case o.running != nil:
		return nil, ErrRunning
	}
	o.running = make(chan struct{})
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		close(o.running)
		o.running = nil
	}, nil
}

// await returns the record that is to be sent next.
func (o *Outbox) await(ctx context.Context) (uint64, error) {
	for {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		o.mu.Lock()
		key, again := o.lines.next(time.Now())
		o.mu.Unlock()
		if key != 0 {
			return key, nil
		}
		o.rest(ctx, again)
	}
}

// rest waits for something new, until then, or for ctx's end. The zero time
// never comes.
func (o *Outbox) rest(ctx context.Context, until time.Time) {
	var due <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-o.wake:
	case <-due:
	case <-ctx.Done():
	}
}

// send is one try of one record. Its errors end Run.
func (o *Outbox) send(ctx context.Context, key uint64) error {
	r, err := o.read(key)
	if err != nil {
		return err
	}
	e := r.entry()
	_, err = o.config.Sender.Send(ctx, e.To, e.Message)
	switch {
	case err == nil:
		return o.sent(key, r)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return o.failed(key, r, err)
}

// read returns a record that waits.
func (o *Outbox) read(key uint64) (r *record, err error) {
	err = o.db.View(func(tx *bbolt.Tx) error {
		r, err = decode(tx.Bucket(bucketPending).Get(keyOf(key)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read record %d: %w: %w", key, ErrDamaged, err)
	}
	return r, nil
}

// sent forgets a record that the cluster has.
func (o *Outbox) sent(key uint64, r *record) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	size, err := o.take(key, func(*bbolt.Tx) error { return nil })
	if err != nil {
		return err
	}
	o.counts.Pending--
	o.counts.Bytes -= size
	o.lines.leave(r.To, key)
	o.lines.pause = pause{}
	return nil
}

// take removes a record from those that wait, together with what else f does.
func (o *Outbox) take(key uint64, f func(*bbolt.Tx) error) (size int64, err error) {
	err = o.db.Update(func(tx *bbolt.Tx) error {
		pending := tx.Bucket(bucketPending)
		size = int64(len(pending.Get(keyOf(key))))
		if err := pending.Delete(keyOf(key)); err != nil {
			return err
		}
		return f(tx)
	})
	if err != nil {
		return 0, fmt.Errorf("remove record %d: %w", key, err)
	}
	return size, nil
}

// failed notes a try that failed: against the message and its mailbox, against
// the mailbox, or against nobody but the times.
func (o *Outbox) failed(key uint64, r *record, cause error) error {
	refused := isRefusal(cause)
	if refused || o.config.CountAll {
		if err := o.count(key, r, cause); err != nil {
			return err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	p := &o.lines.pause
	if refused || isFull(cause) {
		*p = pause{}
		p = o.lines.pauseOf(r.To)
	}
	p.failures++
	p.until = time.Now().Add(o.config.pause(p.failures))
	return nil
}

// pause is how long to rest after so many failures in a row.
func (c Config) pause(failures int) time.Duration {
	d := min(c.Pause<<min(failures-1, 20), c.MaxPause)
	return d/2 + rand.N(d/2+1)
}

// isRefusal says that the cluster will not have this message. Who sends it is
// another question: an unknown token is not the message's fault.
func isRefusal(err error) bool {
	p, ok := errors.AsType[*wire.Problem](err)
	return ok && p.Status/100 == 4 && !p.Retryable && p.Status != http.StatusUnauthorized
}

func isFull(err error) bool {
	p, ok := errors.AsType[*wire.Problem](err)
	return ok && p.Code == wire.CodeMailboxFull
}
