package registry

import (
	"slices"
	"sort"
)

// sequence lists messages of one mailbox in the order of their offsets. What
// leaves it moves the rest, four bytes a message.
type sequence []uint32

// shrinkFrom is the capacity from which a sequence that is mostly empty gives
// its memory back.
const shrinkFrom = 64

// beyond returns where in q the messages with a greater offset begin.
func (r *mailroom) beyond(q sequence, offset uint64) int {
	return sort.Search(len(q), func(i int) bool { return r.at(q[i]).offset > offset })
}

// join puts a message in its place.
func (r *mailroom) join(q *sequence, slot uint32) {
	*q = slices.Insert(*q, r.beyond(*q, r.at(slot).offset), slot)
}

// part takes messages out that are all in q; they come in its order.
func (r *mailroom) part(q *sequence, slots ...uint32) {
	if len(slots) == 0 {
		return
	}
	list := *q
	to := r.beyond(list, r.at(slots[0]).offset-1)
	for from := to; from < len(list); from++ {
		if len(slots) == 0 {
			to += copy(list[to:], list[from:])
			break
		}
		if list[from] == slots[0] {
			slots = slots[1:]
			continue
		}
		list[to] = list[from]
		to++
	}
	*q = list[:to].fitted()
}

// fitted returns q, in less memory where it has much more than it needs.
func (q sequence) fitted() sequence {
	switch {
	case len(q) == 0:
		return nil
	case cap(q) >= shrinkFrom && len(q) < cap(q)/4:
		return slices.Clone(q)
	}
	return q
}
