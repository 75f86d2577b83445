package loadgen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// renewalsPerTTL is how often a lease is renewed within its TTL, as the
// contract advises.
const renewalsPerTTL = 3

// keeper holds leases alive in batches, all of them a round. It belongs to one
// goroutine; only its tallies' counters are read by others.
type keeper struct {
	*worker        // its tally is of grants
	beats   *tally // of renewals
	codec   codec
	every   time.Duration   // between the beginnings of two rounds
	refused map[uint64]bool // epochs of the last batch that was answered
}

func newKeeper(ctx context.Context, cfg *Config, number int, leases []lease) *keeper {
	return &keeper{
		worker: newWorker(ctx, cfg, number, leases), beats: newTally(),
		codec: codecOf(CodecBinary), every: cfg.TTL / renewalsPerTTL,
	}
}

// newKeepers deals the leases out to as many keepers as have a batch each, but
// at most n.
func newKeepers(ctx context.Context, cfg *Config, n int, leases []lease) []*keeper {
	n = min(n, (len(leases)+cfg.Batch-1)/cfg.Batch)
	var out []*keeper
	for i := range n {
		first, end := i*len(leases)/n, (i+1)*len(leases)/n
		out = append(out, newKeeper(ctx, cfg, i, leases[first:end:end]))
	}
	return out
}

// keep renews until the run ends.
func (k *keeper) keep() {
	defer k.conn.close()
	for next := time.Now(); k.ctx.Err() == nil; next = next.Add(k.every) {
		pause(k.ctx, time.Until(next))
		k.round(k.leases, nil)
	}
}

// grow registers the keeper's leases and holds those that it has until all is
// closed, or the run ends. granted is told of each. A refusal that is not worth
// another try is the error.
func (k *keeper) grow(granted func(), all <-chan struct{}) error {
	next := time.Now().Add(k.every)
	for have := 0; k.ctx.Err() == nil; {
		if have == len(k.leases) && !k.waitFor(all, time.Until(next)) {
			return nil
		}
		if now := time.Now(); now.After(next) {
			k.round(k.leases[:have], nil)
			next = now.Add(k.every)
		}
		if have == len(k.leases) {
			continue
		}
		if err := k.grantOne(&k.leases[have], time.Now()); err != nil {
			return err
		}
		if k.leases[have].epoch != 0 {
			have++
			granted()
		}
	}
	return nil
}

// waitFor says after d, or when the run ends, that there is more to do; and at
// once that there is not when done is closed.
func (k *keeper) waitFor(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return false
	case <-timer.C:
	case <-k.ctx.Done():
	}
	return true
}

// round renews leases once, a batch after the other. renewed, which may be nil,
// is told of each batch, and of the epochs in it that were refused: from before
// it was first sent until its answer was read.
func (k *keeper) round(leases []lease, renewed func(batch []lease, refused map[uint64]bool, sent, answered time.Time)) {
	for len(leases) > 0 && k.ctx.Err() == nil {
		batch := leases[:min(k.cfg.Batch, len(leases))]
		leases = leases[len(batch):]
		sent := time.Now()
		if k.renewAll(batch) && renewed != nil {
			renewed(batch, k.refused, sent, time.Now())
		}
	}
}

// renewAll tries one batch until it is answered; the same seqs again take
// effect once.
func (k *keeper) renewAll(batch []lease) bool {
	k.path = append(append(k.path[:0], wire.PathHeartbeats...), k.query...)
	k.body = k.codec.encode(k.body[:0], batch)
	for k.ctx.Err() == nil {
		start := time.Now()
		err := k.send(batch, start)
		if err == nil {
			k.pause = 0
			return true
		}
		k.beats.refused(codeOf(k.ctx, err), int64(len(batch)))
		if final(err) {
			return false
		}
		k.backOff()
	}
	return false
}

var errUnsettled = errors.New("a batch was answered for fewer beats than it had")

func (k *keeper) send(batch []lease, start time.Time) error {
	status, answer, err := k.conn.exchange("POST", k.path, k.codec.mediaType, k.body)
	if err != nil {
		return err
	}
	if status != 200 {
		return problem(status, answer)
	}
	var result wire.HeartbeatsResult
	if err := json.Unmarshal(answer, &result); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if result.Accepted+result.Duplicates+len(result.Rejected) != len(batch) {
		return errUnsettled
	}
	k.beats.acknowledged(int64(result.Accepted), time.Since(start))
	k.settle(batch, result.Rejected, start)
	return nil
}

// settle counts on the seqs of what was renewed by a request that was sent at
// that time. Leases that ended keep theirs.
func (k *keeper) settle(batch []lease, rejected []wire.RejectedBeat, sent time.Time) {
	k.refused = make(map[uint64]bool, len(rejected))
	for _, b := range rejected {
		k.beats.rejected(string(b.Code), 1)
		k.refused[b.Epoch] = true
		if over(b.Code) {
			k.beats.lost++
		}
	}
	for i := range batch {
		l := &batch[i]
		switch {
		case !k.refused[l.epoch]:
			l.seq++
			l.renewed = sent.UnixMilli()
		case l.overdue(k.cfg.TTL, sent):
			k.beats.late++
			l.renewed = 0 // counted once
		}
	}
}
