package clientsdk

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// pushed takes what a node tells unasked. What cannot be read, or is for nobody
// here, is left out: nothing hangs on it alone.
func (s *session) pushed(l *link, op string, frame []byte) {
	switch op {
	case wire.OpMessage:
		var p wire.PushedMessage
		if json.Unmarshal(frame, &p) == nil && p.NS == s.client.config.Namespace {
			s.deliver(l, p.To, p.Message)
		}
	case wire.OpLost:
		var p wire.LostLease
		if json.Unmarshal(frame, &p) == nil {
			s.lost(&p)
		}
	}
}

func (s *session) deliver(l *link, to string, m wire.Message) {
	s.mu.Lock()
	list := s.inboxes[to]
	s.mu.Unlock()
	for _, b := range list {
		b.pushed(l, m)
	}
}

// lost tells the keeper of a lease that it has ended.
func (s *session) lost(p *wire.LostLease) {
	s.mu.Lock()
	k := s.keepers[p.Epoch]
	s.mu.Unlock()
	if k != nil {
		offer(k.lost, &LostError{ID: p.ID, Epoch: p.Epoch, Cause: causeOf(p.Certificate), Certificate: p.Certificate})
	}
}

// subscribe hands pushed messages to an inbox, until the returned function is
// called. A list is never changed, but replaced.
func (s *session) subscribe(b *inbox) (unsubscribe func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inboxes[b.id] = append(slices.Clone(s.inboxes[b.id]), b)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		rest := slices.DeleteFunc(slices.Clone(s.inboxes[b.id]), func(other *inbox) bool { return other == b })
		if s.inboxes[b.id] = rest; len(rest) == 0 {
			delete(s.inboxes, b.id)
		}
	}
}

// enlist has the session tell of the end of an epoch, and no more of the one
// before. 0 is none.
func (k *keeper) enlist(epoch uint64) {
	s := k.client.session
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keepers, k.epoch)
	if k.epoch = epoch; epoch != 0 {
		s.keepers[epoch] = k
	}
}

// await waits until the next heartbeat is due, or is to leave sooner. It
// returns a *LostError where the session tells of one; where the certificate is
// not kept, the heartbeat asks why.
func (k *keeper) await(ctx context.Context, wait time.Duration) error {
	if wait <= 0 || k.client.session == nil {
		return sleep(ctx, wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return nil
		case <-k.early:
			return nil
		case gone := <-k.lost:
			switch {
			case gone.Epoch != k.epoch:
			case gone.Certificate == nil:
				return nil
			default:
				return gone
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
