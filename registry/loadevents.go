package registry

import (
	"cmp"
	"fmt"
	"slices"
)

func (s *State) loadEvent(revision uint64, r *reader) error {
	record := eventRecord(r.rest())
	if _, err := record.decode(revision); err != nil {
		return err
	}
	s.replay.events = append(s.replay.events, loggedEvent{record: record, revision: revision})
	return nil
}

// settleEvents takes the kept events in their order.
func (s *State) settleEvents() error {
	g, list := &s.events, s.replay.events
	slices.SortFunc(list, func(a, b loggedEvent) int { return cmp.Compare(a.revision, b.revision) })
	if uint64(len(list)) != s.replay.kept || g.dropped.revision > s.revision {
		return fmt.Errorf("%d events, %d were kept: %w", len(list), s.replay.kept, ErrInconsistent)
	}
	last, cluster, wall := g.dropped.revision, uint64(0), g.dropped.wall
	for _, e := range list {
		h := e.record.head()
		if e.revision <= last || h.cluster < cluster || h.wall < wall {
			return fmt.Errorf("event of revision %d: %w", e.revision, ErrInconsistent)
		}
		last, cluster, wall = e.revision, h.cluster, h.wall
		g.add(e.revision, e.record)
		s.sum += digestEvent(e.revision, e.record)
	}
	s.misload(g)
	if last > s.revision || cluster > s.clusterMS || wall > s.wall {
		return fmt.Errorf("events up to revision %d: %w", last, ErrInconsistent)
	}
	g.made, g.added, g.stored = 0, 0, s.revision
	return nil
}
