package api

import "slices"

// call is one request of a session under way.
type call struct {
	rid    rid
	op     string
	weight int
	ns, id string // of the lease or mailbox it is about
	beat   beat   // of a heartbeat
}

// calls finds the requests of a session that are under way by tokens, and knows
// which rids are in use, those of watches too. The session's lock guards it.
type calls struct {
	slots   []call
	free    []uint64 // tokens
	watches []rid
	rids    map[rid]struct{} // all in use, while there are many
}

// fewCalls is up to how many slots are looked through for a rid, and kept when
// nothing is under way: a session that rests takes little memory.
const fewCalls = 8

// begin takes up a request; false where its rid is in use.
func (cs *calls) begin(q call) (token uint64, ok bool) {
	if cs.used(q.rid) {
		return 0, false
	}
	if n := len(cs.free); n > 0 {
		token, cs.free = cs.free[n-1], cs.free[:n-1]
		cs.slots[token] = q
	} else {
		token = uint64(len(cs.slots))
		cs.slots = append(cs.slots, q)
	}
	cs.note(q.rid)
	return token, true
}

// used tells whether a rid is in use.
func (cs *calls) used(r rid) bool {
	if cs.rids != nil {
		_, used := cs.rids[r]
		return used
	}
	for i := range cs.slots {
		if q := &cs.slots[i]; q.op != "" && q.rid == r {
			return true
		}
	}
	return slices.Contains(cs.watches, r)
}

// note notes the rid of a new request, where they are many.
func (cs *calls) note(r rid) {
	if cs.rids == nil && len(cs.slots) > fewCalls {
		cs.rids = make(map[rid]struct{})
		for i := range cs.slots {
			if q := &cs.slots[i]; q.op != "" {
				cs.rids[q.rid] = struct{}{}
			}
		}
		for _, of := range cs.watches {
			cs.rids[of] = struct{}{}
		}
	}
	if cs.rids != nil {
		cs.rids[r] = struct{}{}
	}
}

// end returns a request that is answered now. Its rid is free again, unless it
// lives on as that of a watch.
func (cs *calls) end(token uint64, watch bool) call {
	q := cs.slots[token]
	cs.slots[token] = call{}
	cs.free = append(cs.free, token)
	if watch {
		cs.watches = append(cs.watches, q.rid)
	} else {
		delete(cs.rids, q.rid)
	}
	if len(cs.free) == len(cs.slots) && len(cs.slots) > fewCalls {
		cs.slots, cs.free, cs.rids = nil, nil, nil
	}
	return q
}

// release frees the rid of a watch.
func (cs *calls) release(r rid) {
	cs.watches = slices.DeleteFunc(cs.watches, func(of rid) bool { return of == r })
	delete(cs.rids, r)
}
