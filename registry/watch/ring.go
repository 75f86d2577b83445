package watch

import "sort"

// ring keeps the newest events: all of those after its floor. Its owner guards
// it.
type ring struct {
	events []Event // a circle: oldest at first
	first  int
	count  int
	bytes  int // encoded
	most   int // bytes
	floor  uint64
}

// beyondAll is the floor of a ring that knows nothing yet.
const beyondAll = 1<<64 - 1

func newRing(events, bytes int) ring {
	return ring{events: make([]Event, events), most: bytes, floor: beyondAll}
}

func (r *ring) at(i int) *Event { return &r.events[(r.first+i)%len(r.events)] }

// unencoded is what an event without its encoding counts as, about what that
// will take.
const unencoded = 512

func (e *Event) weight() int {
	if e.Raw == nil {
		return unencoded
	}
	return len(e.Raw)
}

// push adds the newest event and forgets the oldest that do not fit beside it.
func (r *ring) push(e Event) {
	for r.count > 0 && (r.count == len(r.events) || r.bytes+e.weight() > r.most) {
		r.shift()
	}
	*r.at(r.count) = e
	r.count++
	r.bytes += e.weight()
}

func (r *ring) shift() {
	old := r.at(0)
	r.floor = old.Revision
	r.bytes -= old.weight()
	*old = Event{}
	r.first = (r.first + 1) % len(r.events)
	r.count--
}

// restart empties the ring: it then has all events after floor.
func (r *ring) restart(floor uint64) {
	for r.count > 0 {
		r.shift()
	}
	r.floor = floor
}

// after returns the index of the first event after a revision.
func (r *ring) after(revision uint64) int {
	return sort.Search(r.count, func(i int) bool { return r.at(i).Revision > revision })
}
