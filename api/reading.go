package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// reading is how a read's view is: what was asked of it, and what it turned
// out to be.
type reading struct {
	level       Consistency
	minRevision uint64
	maxStaleMS  uint64

	status      Status // from before the view, so that it promises no more than the view keeps
	known       bool   // status was taken
	stalenessMS uint64
	revision    uint64
	viewed      bool // revision is that of a view
}

// parse takes the three parameters of every read.
func (rd *reading) parse(q query) (err error) {
	if name, there := q.get(paramConsistency); there {
		i := slices.Index(consistencyNames[:], name)
		if i < 0 {
			return invalid(paramConsistency, "consistency %s: want local, leader or linearizable", quote(name))
		}
		rd.level = Consistency(i)
	}
	if rd.minRevision, err = q.integer(paramMinRevision, 0, wire.Unknown, 0); err != nil {
		return err
	}
	rd.maxStaleMS, err = q.integer(paramMaxStale, 0, wire.Unknown, wire.Unknown)
	return err
}

// prepareReading waits until this node's replica is as fresh as the request
// asks, and refuses it otherwise.
func (s *Server) prepareReading(r *request) error {
	if err := r.reading.parse(r.query); err != nil {
		return err
	}
	if err := s.await(r.http.Context(), r.reading.level); err != nil {
		return err
	}
	if err := s.awaitRevision(r, r.reading.minRevision); err != nil {
		return err
	}
	return s.judgeStaleness(r)
}

func (s *Server) await(ctx context.Context, level Consistency) error {
	if level == Local {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	return s.node.Await(ctx, level)
}

// awaitRevision waits for a revision as long as the contract says.
func (s *Server) awaitRevision(r *request, revision uint64) error {
	if revision == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.http.Context(), wire.MaxMinRevWait)
	defer cancel()
	if err := s.node.AwaitRevision(ctx, revision); err != nil {
		return fmt.Errorf("%w: revision %d is not here after %v", ErrTooStale, revision, wire.MaxMinRevWait)
	}
	return nil
}

func (s *Server) judgeStaleness(r *request) error {
	rd := &r.reading
	rd.take(s.node.Status(), r.start)
	if rd.stalenessMS > rd.maxStaleMS {
		return fmt.Errorf("%w: the view may be %s old, max_stale_ms is %d", ErrTooStale, staleText(rd.stalenessMS), rd.maxStaleMS)
	}
	return nil
}

func staleText(ms uint64) string {
	if ms == wire.Unknown {
		return "of unknown age, that is arbitrarily"
	}
	return strconv.FormatUint(ms, 10) + " ms"
}

// take notes what the node says of itself before the view. A view that the
// leader vouched for is not older than the request.
func (rd *reading) take(status Status, arrived time.Time) {
	rd.status, rd.known = status, true
	stale, known := max(0, status.Staleness), status.StalenessKnown
	if rd.level != Local {
		if asked := time.Since(arrived); !known || asked < stale {
			stale, known = asked, true
		}
	}
	rd.stalenessMS = wire.Unknown
	if known {
		rd.stalenessMS = uint64(stale.Milliseconds())
	}
}

// view shows the replica to f and notes its revision; a handler's first view
// is what its answer speaks of.
func (s *Server) view(r *request, f func(replica *registry.Replica, mono time.Duration)) {
	s.node.View(func(replica *registry.Replica, mono time.Duration) {
		if !r.reading.viewed {
			r.reading.revision, r.reading.viewed = replica.Revision(), true
		}
		f(replica, mono)
	})
}

// describeView writes the headers of every read, refused ones too.
func (s *Server) describeView(r *request) {
	rd := &r.reading
	if !rd.known {
		level := rd.level
		rd.level = Local // nobody vouched for it
		rd.take(s.node.Status(), r.start)
		rd.level = level
	}
	if !rd.viewed {
		s.view(r, func(*registry.Replica, time.Duration) {})
	}
	h := r.header
	h[wire.HeaderRevision] = []string{strconv.FormatUint(rd.revision, 10)}
	h[wire.HeaderLeader] = []string{rd.status.Leader}
	h[wire.HeaderStaleness] = []string{strconv.FormatUint(rd.stalenessMS, 10)}
	h[wire.HeaderConsistency] = []string{rd.level.String()}
}
