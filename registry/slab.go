package registry

// lease is one live lease as it lies in the slab: 88 bytes with a single
// pointer, so that a million of them cost the garbage collector little.
// What a renewal touches comes first. Missed seqs are not kept: they are seq - renewals.
type lease struct {
	epoch    uint64 // 0: the slot is free
	seq      uint64
	renewals uint64
	renewed  int64 // Unix milliseconds
	born     moment
	ttl      uint32 // milliseconds; in a free slot, the next free one
	group    uint32 // namespace and service
	box      uint32 // mailbox of the id + 1, 0 while it has none
	port     uint16
	state    LeaseState
	marks    mark
	packed   packed
	granted  int64  // Unix milliseconds
	revision uint64 // of the last change other than a renewal
}

// resumes returns what a renewal makes of a held lease: what it was before.
// One that is not held resumes nothing.
func (l *lease) resumes() LeaseState {
	switch {
	case l.state != Held:
		return 0
	case l.marks&drains != 0:
		return Draining
	}
	return Alive
}

// become puts a lease into a state; resumes counts only with Held.
func (l *lease) become(state, resumes LeaseState) {
	l.state = state
	l.marks &^= drains
	if state == Held && resumes == Draining {
		l.marks |= drains
	}
}

// moment is the place of a command in the log: its entry's index and its
// number within the entry. A lease keeps that of its grant, so that a replay
// does not hear a beat that guessed the epoch before it was given.
type moment uint64

const momentBits = 20

func newMoment(index uint64, command int) moment {
	return moment(index<<momentBits | uint64(min(command, 1<<momentBits-1)))
}

func (m moment) index() uint64 { return uint64(m >> momentBits) }

// mark says what the durable image knows of a lease, a certificate, a service
// or a hold.
type mark uint8

const (
	dirty  mark = 1 << iota // changed since the last Flush
	stored                  // the image holds a record of it
	drains                  // of a lease: it is held, and was draining before
)

// A chunk is what the slab grows by, so that growth never copies leases.
const (
	chunkBits = 8
	chunkSize = 1 << chunkBits
)

// slab holds the live leases; a slot is a lease's place in it. A slot is used
// again after its lease ended.
type slab struct {
	chunks []*[chunkSize]lease
	free   uint32 // first free slot + 1, 0 for none
	live   int
}

func (s *slab) at(slot uint32) *lease {
	return &s.chunks[slot>>chunkBits][slot%chunkSize]
}

// take returns a free slot, whose lease is zero.
func (s *slab) take() uint32 {
	if s.free == 0 {
		s.grow()
	}
	slot := s.free - 1
	l := s.at(slot)
	s.free = l.ttl
	*l = lease{}
	s.live++
	return slot
}

func (s *slab) release(slot uint32) {
	*s.at(slot) = lease{ttl: s.free}
	s.free = slot + 1
	s.live--
}

func (s *slab) grow() {
	base := uint32(len(s.chunks)) << chunkBits
	s.chunks = append(s.chunks, new([chunkSize]lease))
	for i := uint32(chunkSize); i > 0; i-- {
		s.at(base + i - 1).ttl = s.free
		s.free = base + i
	}
}

// each calls f with every live lease, by slot.
func (s *slab) each(f func(slot uint32, l *lease)) {
	for c, chunk := range s.chunks {
		for i := range chunk {
			if l := &chunk[i]; l.epoch != 0 {
				f(uint32(c)<<chunkBits|uint32(i), l)
			}
		}
	}
}
