package collector

// queue holds units in order of arrival. The links are in the units, so that
// one whose caller has left goes in constant time.
type queue struct {
	front, back *unit
	length      int
}

// insert puts u where its id belongs. A new unit has the highest id and goes to
// the back at once; one that comes back from a failed batch belongs near the
// front, behind at most the few that came back before it.
func (q *queue) insert(u *unit) {
	if q.back == nil || q.back.id < u.id {
		q.link(q.back, u, nil)
		return
	}
	next := q.front
	for next.id < u.id {
		next = next.next
	}
	q.link(next.prev, u, next)
}

func (q *queue) link(prev, u, next *unit) {
	u.queue, u.prev, u.next = q, prev, next
	if prev == nil {
		q.front = u
	} else {
		prev.next = u
	}
	if next == nil {
		q.back = u
	} else {
		next.prev = u
	}
	q.length++
}

func (q *queue) remove(u *unit) {
	if u.prev == nil {
		q.front = u.next
	} else {
		u.prev.next = u.next
	}
	if u.next == nil {
		q.back = u.prev
	} else {
		u.next.prev = u.prev
	}
	u.queue, u.prev, u.next = nil, nil, nil
	q.length--
}

// each calls f for every unit from the front; f may remove its own.
func (q *queue) each(f func(*unit)) {
	for u := q.front; u != nil; {
		next := u.next
		f(u)
		u = next
	}
}
