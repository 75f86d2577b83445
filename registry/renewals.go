package registry

import (
	"encoding/binary"
	"fmt"
)

// renewalSize is about what one packed renewal takes.
const renewalSize = 20

// Renewals packs what renewals changed (epoch, seq, renewals and last wall
// stamp of every lease that was ever renewed) at the present index. It must be
// saved in one transaction with a Flush, or after one of the same index: packed
// renewals must not be newer than the image.
func (s *State) Renewals() []byte {
	dst := make([]byte, 0, 32+s.leases.live*renewalSize)
	dst = binary.AppendUvarint(append(dst, imageVersion), s.index)
	dst = binary.AppendVarint(dst, s.wall)
	s.leases.each(func(_ uint32, l *lease) {
		if l.renewals > 0 {
			dst = binary.AppendUvarint(dst, l.epoch)
			dst = binary.AppendUvarint(dst, l.seq)
			dst = binary.AppendUvarint(dst, l.missed())
			dst = binary.AppendVarint(dst, s.wall-l.renewed)
		}
	})
	return dst
}

// LoadRenewals takes packed renewals, after the records. Epochs that ended
// between the renewals and the image are passed over. The error is
// [ErrMalformed].
func (s *State) LoadRenewals(packed []byte) error {
	r := reader{data: packed}
	if r.byte() != imageVersion {
		return fmt.Errorf("load renewals: version: %w", ErrMalformed)
	}
	from, wall := r.uvarint(), r.varint()
	for len(r.data) > 0 {
		s.loadRenewal(&r, wall)
	}
	if err := r.err(); err != nil {
		return fmt.Errorf("load renewals: %w", err)
	}
	s.replay.from, s.replay.at, s.replay.wall = from, from, wall
	return nil
}

func (s *State) loadRenewal(r *reader, wall int64) {
	epoch, seq, missed, age := r.uvarint(), r.uvarint(), r.uvarint(), r.varint()
	if missed >= seq {
		r.fail()
	}
	slot, alive := s.live(epoch)
	if r.bad || !alive || s.faults.CheckpointIgnored {
		return
	}
	l := s.leases.at(slot)
	s.sum -= l.digestBeats()
	l.seq, l.renewals, l.renewed = seq, seq-missed, wall-age
	s.sum += l.digestBeats()
}

// ReplayFrom returns the index after which a loaded state needs the log: that
// of its packed renewals, 0 without any.
func (s *State) ReplayFrom() uint64 { return s.replay.from }

// again applies an entry at or below the index of the state. Its changes are
// in the image already, all but the renewals of leases that live on there.
func (s *State) again(at Position, e *Entry) Outcome {
	out := Outcome{Index: at.Index, Revision: s.revision, Results: make([]Result, len(e.Commands))}
	if at.Index <= s.replay.at {
		return out
	}
	s.replay.at = at.Index
	s.replay.wall = max(s.replay.wall, e.Wall)
	s.turn.wall, s.turn.again = s.replay.wall, true
	if s.faults.ReplayEmits {
		out.Events, _ = s.EventsAfter(s.revision-1, 1)
	}
	for i, c := range e.Commands {
		s.turn.moment = newMoment(at.Index, i)
		switch c := c.(type) {
		case *Renew:
			out.Results[i] = s.renew(c)
		case *RenewNamed:
			out.Results[i] = s.renewNamed(c)
		default:
			if s.faults.ReplayApplies {
				out.Results[i] = s.do(c)
			}
		}
	}
	return out
}
