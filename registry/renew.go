package registry

import "math"

// renew renews many leases at once.
func (s *State) renew(c *Renew) Result {
	r := s.result(OK)
	if !s.turn.unheard {
		r.Beats = make([]BeatResult, c.Beats.Len())
	}
	in := s.residents(c.NS)
	for i := range c.Beats.Len() {
		if i%fetchAhead == 0 {
			s.fetch(c.Beats[i*BeatSize:])
		}
		if b := s.renewOne(c, i, &in); r.Beats != nil {
			r.Beats[i] = b
		}
	}
	r.Revision = s.revision // beats may have released leases
	return r
}

// renewOne takes beat i of a batch.
func (s *State) renewOne(c *Renew, i int, in *residents) BeatResult {
	epoch, seq := c.Beats.At(i)
	slot, alive := s.live(epoch)
	switch {
	case !alive:
		return s.missing(c.NS, epoch)
	case !in.have(s.leases.at(slot).group):
		return BeatResult{Code: NotFound}
	}
	return s.beat(slot, seq)
}

// fetchAhead is how many beats are fetched at once.
const fetchAhead = 32

// fetch reads what finding and renewing the next beats will read. These reads
// do not depend on each other, so the processor waits for memory once for many
// of them, where one lookup after another would wait three times each.
//
//go:noinline
func (s *State) fetch(next Beats) (read uint64) {
	var cells [fetchAhead]uint32
	for i := range min(fetchAhead, next.Len()) {
		epoch, _ := next.At(i)
		hash := hashEpoch(epoch)
		if g := s.epochs.segment(hash); g.used > 0 {
			cells[i] = g.cells[g.home(hash)]
		}
	}
	for _, c := range cells {
		if c != 0 {
			l := s.leases.at(c - 1)
			read ^= l.epoch ^ uint64(l.state) // on two lines of memory, as a rule
		}
	}
	return read
}

// residents tells which groups are of one namespace. Most beats of a batch are
// of the same group as the one before.
type residents struct {
	groups *groups
	ns     string
	last   uint32 // the group asked for last + 1, 0 for none
	inside bool   // what the answer was
}

func (s *State) residents(ns string) residents { return residents{groups: s.groups, ns: ns} }

// have says whether a group is of the namespace; "" stands for any.
func (r *residents) have(group uint32) bool {
	if r.ns == "" {
		return true
	}
	if r.last != group+1 {
		r.last, r.inside = group+1, r.groups.at(group).ns.name == r.ns
	}
	return r.inside
}

// beat takes one heartbeat for a live lease.
func (s *State) beat(slot uint32, seq uint64) BeatResult {
	l := s.leases.at(slot)
	switch {
	case l.born > s.turn.moment: // only in a replay
		return BeatResult{Code: NotFound}
	case seq > l.seq && seq-l.seq <= MaxJump:
		s.accept(l, seq)
		s.timer.renew(slot, l.ttl)
		if l.state == Held && !s.turn.again {
			s.unhold(slot)
		}
		return BeatResult{TTL: l.ttl, RemainingMS: l.ttl, Pending: s.waiting(l)}
	case seq > l.seq:
		return s.unmoved(Jump, slot, l.seq)
	case seq == l.seq && seq > 0:
		if s.faults.DuplicateExtends {
			s.timer.renew(slot, l.ttl)
		}
		return s.unmoved(Duplicate, slot, 0)
	case s.faults.StaleSeqAccepted && seq > 0:
		s.timer.renew(slot, l.ttl)
		return BeatResult{TTL: l.ttl, RemainingMS: l.ttl}
	}
	return s.unmoved(StaleSequence, slot, l.seq)
}

// unmoved is the result of a beat that met a live lease and did not renew it.
func (s *State) unmoved(code Code, slot uint32, current uint64) BeatResult {
	l := s.leases.at(slot)
	return BeatResult{Code: code, TTL: l.ttl, RemainingMS: s.remaining(slot), Pending: s.waiting(l), Current: current}
}

// accept writes a renewal down. By itself it makes no event and no revision.
func (s *State) accept(l *lease, seq uint64) {
	s.sum -= l.digestBeats()
	l.seq = seq
	l.renewals++
	l.renewed = s.turn.wall
	s.sum += l.digestBeats()
}

// remaining is what a BeatResult says of the time that is left.
func (s *State) remaining(slot uint32) uint32 {
	return uint32(min(max(0, s.timer.remaining(slot)), math.MaxUint32))
}

// missing answers a beat of an epoch that does not live, of which only the
// certificate knows whose it was.
func (s *State) missing(ns string, epoch uint64) BeatResult {
	c := s.certificates.byEpoch[epoch]
	if c == nil || ns != "" && c.NS != ns {
		return BeatResult{Code: NotFound}
	}
	if slot, ok := s.find(c.NS, c.ID); ok {
		return BeatResult{Code: Superseded, Current: s.leases.at(slot).epoch}
	}
	return BeatResult{Code: Ended}
}

// renewNamed renews the lease of one id, whose epoch must be its own.
func (s *State) renewNamed(c *RenewNamed) Result {
	slot, alive := s.find(c.NS, c.ID)
	if !alive || s.leases.at(slot).epoch != c.Epoch {
		r := s.absent(c.NS, c.ID, c.Epoch)
		r.Beats = []BeatResult{{Code: r.Code, Current: r.CurrentEpoch}}
		return r
	}
	b := s.beat(slot, c.Seq)
	r := s.result(b.Code)
	if b.Code == StaleSequence || b.Code == Jump {
		r.CurrentSeq = b.Current
	}
	r.RemainingMS = int64(b.RemainingMS)
	r.Beats = []BeatResult{b}
	return r
}
