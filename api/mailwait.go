package api

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// shortestWait is how long a reader sleeps at least for a message that comes
// again: when that is, is an estimate.
const shortestWait = 5 * time.Millisecond

// awaitMail returns a page of a mailbox with at least one message, or what
// there is when the reader's wait is over. A gap alone ends no wait: the
// reader would be told of it again at once.
func (s *Server) awaitMail(ctx context.Context, r *request, q mailQuery) (registry.MessagePage, error) {
	page := s.viewMail(r, q)
	if q.wait == 0 || len(page.Messages) > 0 {
		return page, nil
	}
	if err := s.streams.enter(); err != nil {
		return page, err
	}
	defer s.streams.leave()
	bell := s.node.Hub().Listen()
	defer bell.Close()
	if err := bell.Add(q.box); err != nil {
		return page, fmt.Errorf("%w: %w", ErrOverloaded, err)
	}
	r.extend(q.wait)
	ctx, cancel := context.WithTimeout(ctx, q.wait)
	defer cancel()
	for over := false; ; over = s.waitMail(ctx, bell.C(), page.DueMS) {
		if err := s.judgeStaleness(r); err != nil {
			return page, err
		}
		if page = s.viewMail(r, q); over || len(page.Messages) > 0 {
			return page, nil
		}
	}
}

// waitMail returns when the mailbox rang, or a message may be due again. It is
// true when the wait is over.
func (s *Server) waitMail(ctx context.Context, rang <-chan struct{}, dueMS uint64) (over bool) {
	var due <-chan time.Time
	if dueMS > 0 {
		timer := time.NewTimer(max(shortestWait, time.Duration(dueMS)*time.Millisecond))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return true
	case <-s.streams.done:
		return true
	case <-rang:
	case <-due:
	}
	return false
}

// viewMail returns a page that is not too large.
func (s *Server) viewMail(r *request, q mailQuery) (page registry.MessagePage) {
	r.reading.viewed = false // the last view is what the answer speaks of
	s.view(r, func(replica *registry.Replica, mono time.Duration) {
		now := replica.ClusterNow(mono)
		page = replica.Messages(q.box.NS, q.box.ID, q.after, q.limit, now)
		if fit := fitting(page.Messages); fit < len(page.Messages) {
			page = replica.Messages(q.box.NS, q.box.ID, q.after, fit, now)
		}
	})
	return page
}
