package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// mailbox counts what is in a mailbox.
func (s *Server) mailbox(_ context.Context, r *request) (answer, error) {
	var box registry.Mailbox
	s.view(r, func(replica *registry.Replica, mono time.Duration) {
		box = replica.Mailbox(r.ns, r.param, replica.ClusterNow(mono))
	})
	return answer{status: http.StatusOK, body: wire.Mailbox{
		NS:          r.ns,
		ID:          r.param,
		Pending:     box.Pending,
		Dead:        box.Dead,
		Bytes:       box.Bytes,
		OldestAgeMS: box.OldestAgeMS,
		LastOffset:  box.Last,
	}}, nil
}

// messageStatus says where a message stands.
func (s *Server) messageStatus(_ context.Context, r *request) (answer, error) {
	var m registry.Message
	var known bool
	s.view(r, func(replica *registry.Replica, _ time.Duration) {
		m, known = replica.Message(r.ns, r.param, r.message)
	})
	if !known {
		return answer{}, noMessage(r.ns, r.param)
	}
	return answer{status: http.StatusOK, body: wire.MessageStatus{
		ID: showUUID(m.ID), Offset: m.Offset, State: m.State.String(), Attempts: m.Attempts,
	}}, nil
}

// messages reads a mailbox, and waits for something to read if asked to.
func (s *Server) messages(ctx context.Context, r *request) (answer, error) {
	q, err := r.mailQuery()
	if err != nil {
		return answer{}, err
	}
	page, err := s.awaitMail(ctx, r, q)
	if err != nil {
		return answer{}, err
	}
	letters, err := s.letters(q.box, page.Messages)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, body: mailPage{Messages: letters, Next: page.Next, Gap: showGap(page.Gap)}}, nil
}

// mailQuery is what a reader of a mailbox asks for.
type mailQuery struct {
	box   registry.Identity
	after uint64
	limit int
	wait  time.Duration
}

func (r *request) mailQuery() (q mailQuery, err error) {
	q.box = registry.Identity{NS: r.ns, ID: r.param}
	if q.after, err = r.query.integer(paramAfter, 0, wire.Unknown, 0); err != nil {
		return q, err
	}
	if q.limit, err = r.query.limit(); err != nil {
		return q, err
	}
	wait, err := r.query.integer(paramWait, 0, uint64(wire.MaxWait.Milliseconds()), 0)
	q.wait = time.Duration(wait) * time.Millisecond
	return q, err
}

func showGap(gap *registry.Gap) *wire.Gap {
	if gap == nil {
		return nil
	}
	return &wire.Gap{From: gap.From, To: gap.To, Cause: registry.MessageExpired.String()}
}

// deadLetters lists what was given back too often.
func (s *Server) deadLetters(_ context.Context, r *request) (answer, error) {
	limit, err := r.query.limit()
	if err != nil {
		return answer{}, err
	}
	asked := question("dead").with(r.ns, r.param)
	from, after, err := r.deadCursor(asked)
	if err != nil {
		return answer{}, err
	}
	if err := s.awaitRevision(r, from.revision); err != nil {
		return answer{}, err
	}
	dead, more := s.viewDead(r, after, limit)
	tag := deadTag(pageOf(asked, from, limit), dead, more)
	r.header.Set("Etag", tag)
	if matches(r.http.Header["If-None-Match"], tag) {
		return answer{status: http.StatusNotModified}, nil
	}
	letters, err := s.letters(registry.Identity{NS: r.ns, ID: r.param}, dead)
	body := deadPage{Messages: letters}
	if more {
		next := strconv.FormatUint(dead[len(dead)-1].Offset, 10)
		body.NextCursor = cursor{after: next, revision: r.firstRevision(from)}.encode(asked)
	}
	return answer{status: http.StatusOK, body: body}, err
}

// deadCursor returns the cursor of a request, and the offset at which it stands.
func (r *request) deadCursor(asked question) (cursor, uint64, error) {
	from, err := r.query.cursor(asked)
	if err != nil || from.after == "" {
		return from, 0, err
	}
	after, err := strconv.ParseUint(from.after, 10, 64)
	if err != nil {
		return from, 0, badCursor()
	}
	return from, after, nil
}

// viewDead returns the dead letters of a page, and whether there are more.
func (s *Server) viewDead(r *request, after uint64, limit int) (dead []registry.Message, more bool) {
	s.view(r, func(replica *registry.Replica, _ time.Duration) {
		dead = replica.DeadLetters(r.ns, r.param, after, limit+1)
	})
	fit := min(limit, fitting(dead))
	return dead[:fit], len(dead) > fit
}

func deadTag(asked question, dead []registry.Message, more bool) string {
	tag := newEtag(asked)
	for i := range dead {
		tag.number(dead[i].Offset)
		tag.number(uint64(dead[i].Attempts))
	}
	if more {
		tag.number(1)
	}
	return tag.String()
}
