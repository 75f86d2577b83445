package registry

import (
	"fmt"
	"slices"
)

// auditMail checks what must hold of mail in every state.
func auditMail(s *State) error {
	r := &s.mail
	bytes, ids := uint64(0), 0
	r.each(func(slot uint32, m *message) {
		ids++
		bytes += messageOverhead
		if m.state == MessagePending || m.state == MessageDead {
			bytes += uint64(m.size)
		}
	})
	if bytes != r.bytes || ids != r.live {
		return fmt.Errorf("%d messages of %d bytes, counted %d of %d", ids, bytes, r.live, r.bytes)
	}
	listed := 0
	for n, b := range r.boxes {
		if b == nil {
			continue
		}
		if err := auditMailbox(s, b, uint32(n)); err != nil {
			return fmt.Errorf("mailbox %v: %w", b.Identity, err)
		}
		listed += len(b.pending) + len(b.dead) + b.tombstones
	}
	if listed != ids {
		return fmt.Errorf("%d messages are listed, %d are there", listed, ids)
	}
	for _, a := range []*agenda{&r.deadlines, &r.aging, &r.idle} {
		if err := auditAgenda(a); err != nil {
			return err
		}
	}
	return nil
}

func auditMailbox(s *State, b *mailbox, n uint32) error {
	r := &s.mail
	if b.local != n || r.names[b.Identity] != n {
		return fmt.Errorf("is number %d, at %d", b.local, n)
	}
	if slot, alive := s.find(b.NS, b.ID); alive && s.leases.at(slot).box != n+1 {
		return fmt.Errorf("its lease knows mailbox %d - 1", s.leases.at(slot).box)
	}
	if b.bytes != r.size(b.pending) || b.deadBytes != r.size(b.dead) {
		return fmt.Errorf("%d and %d bytes, counted %d and %d", r.size(b.pending), r.size(b.dead), b.bytes, b.deadBytes)
	}
	nacked := slices.DeleteFunc(slices.Clone(b.pending), func(slot uint32) bool { return r.at(slot).attempts == 0 })
	var tombs, lost int
	for at := b.oldest; at != 0; at = r.at(at - 1).place {
		if tombs++; r.at(at-1).state == MessageExpired {
			lost++
		}
		if next := r.at(at - 1).place; next == 0 && at != b.newest {
			return fmt.Errorf("the newest tombstone is %d, not %d", at, b.newest)
		}
	}
	if !slices.Equal(nacked, b.nacked) || tombs != b.tombstones || lost != len(b.lost) {
		return fmt.Errorf("nacked %v, listed %v; %d tombstones, %d expired, counted %d, %d", nacked, b.nacked, tombs, lost, b.tombstones, len(b.lost))
	}
	for _, q := range []sequence{b.pending, b.dead, b.lost} {
		for i := 1; i < len(q); i++ {
			if r.at(q[i-1]).offset >= r.at(q[i]).offset {
				return fmt.Errorf("offsets out of order in %v", q)
			}
		}
	}
	return nil
}

func auditAgenda(a *agenda) error {
	for i, slot := range a.slots {
		if int(*a.place(slot)) != i {
			return fmt.Errorf("slot %d is at %d, not at %d", slot, i, *a.place(slot))
		}
		if parent := a.slots[max(0, i-1)/2]; i > 0 && a.before(slot, parent) {
			return fmt.Errorf("slot %d comes before %d above it", slot, parent)
		}
	}
	return nil
}
