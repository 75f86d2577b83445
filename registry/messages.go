package registry

// message is what memory holds of one message: 64 bytes without a pointer, so
// that a million of them cost the garbage collector nothing. Its body lies in
// the durable image. Times are cluster times, in milliseconds.
type message struct {
	id       MessageID
	offset   uint64 // 0: the slot is free
	until    uint64 // when it expires, pending or dead; of a tombstone, when it ended
	due      uint64 // before which a nacked one is not read; of a tombstone, the revision of its end
	ttl      uint32 // milliseconds, for when it is queued again
	box      uint32 // its mailbox
	size     uint32 // bytes of the body
	place    uint32 // in the agenda; of a tombstone the next one, of a free slot the next free one, each + 1
	attempts uint32 // nacks
	state    MessageState
	marks    mark
}

// The marks of a message, beside those of a lease.
const (
	moved    mark = 4 << iota // queued again: its records have the first offset in their key
	reasoned                  // its last nack gave a reason
)

// messages is a slab like that of leases.
type messages struct {
	chunks []*[chunkSize]message
	free   uint32 // first free slot + 1, 0 for none
	live   int
}

func (s *messages) at(slot uint32) *message {
	return &s.chunks[slot>>chunkBits][slot%chunkSize]
}

// take returns a free slot, whose message is zero.
func (s *messages) take() uint32 {
	if s.free == 0 {
		s.grow()
	}
	slot := s.free - 1
	s.free = s.at(slot).place
	*s.at(slot) = message{}
	s.live++
	return slot
}

func (s *messages) release(slot uint32) {
	*s.at(slot) = message{place: s.free}
	s.free = slot + 1
	s.live--
}

func (s *messages) grow() {
	base := uint32(len(s.chunks)) << chunkBits
	s.chunks = append(s.chunks, new([chunkSize]message))
	for i := uint32(chunkSize); i > 0; i-- {
		s.at(base + i - 1).place = s.free
		s.free = base + i
	}
}

// each calls f with every message, tombstones too, by slot.
func (s *messages) each(f func(slot uint32, m *message)) {
	for c, chunk := range s.chunks {
		for i := range chunk {
			if m := &chunk[i]; m.offset != 0 {
				f(uint32(c)<<chunkBits|uint32(i), m)
			}
		}
	}
}
