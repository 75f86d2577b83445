package registry

import "encoding/binary"

// digest hashes all that is known of a message but its body and the reason of
// its last nack.
func (r *mailroom) digest(slot uint32) uint64 {
	m := r.at(slot)
	h := mix(binary.LittleEndian.Uint64(m.id[:]), binary.LittleEndian.Uint64(m.id[8:]))
	h = mix(h, r.boxes[m.box].number)
	h = mix(mix(h, m.offset), r.origin(slot))
	h = mix(mix(h, m.until), m.due)
	return mix(mix(h, uint64(m.ttl)<<32|uint64(m.size)), uint64(m.attempts)<<8|uint64(m.state))
}

// digest hashes what is kept of a mailbox itself.
func (b *mailbox) digest() uint64 {
	h := mix(b.name, b.number)
	h = mix(mix(h, b.last), b.revision)
	return mix(mix(h, b.forgotten.From), b.forgotten.To)
}

func digestFloor(floor uint64) uint64 {
	if floor == 0 {
		return 0
	}
	return mix(floor, hashA)
}

// recount computes what mail adds to the digest's sum from all that is there.
func (r *mailroom) recount() uint64 {
	sum := digestFloor(r.floor)
	r.each(func(slot uint32, _ *message) { sum += r.digest(slot) })
	for _, b := range r.boxes {
		if b != nil {
			sum += b.digest()
		}
	}
	return sum
}
