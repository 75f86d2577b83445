package api

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
	slots []call
	free  []uint64 // tokens
	rids  map[rid]struct{}
}

// keptCalls is how many slots are kept when nothing is under way: a session
// that rests takes little memory.
const keptCalls = 16

// begin takes up a request; false where its rid is in use.
func (cs *calls) begin(q call) (token uint64, ok bool) {
	if !cs.reserve(q.rid) {
		return 0, false
	}
	if n := len(cs.free); n > 0 {
		token, cs.free = cs.free[n-1], cs.free[:n-1]
		cs.slots[token] = q
		return token, true
	}
	cs.slots = append(cs.slots, q)
	return uint64(len(cs.slots) - 1), true
}

// reserve takes a rid.
func (cs *calls) reserve(r rid) bool {
	if _, used := cs.rids[r]; used {
		return false
	}
	if cs.rids == nil {
		cs.rids = make(map[rid]struct{})
	}
	cs.rids[r] = struct{}{}
	return true
}

// end returns a request that is answered now. Its rid is free again, unless it
// lives on as a watch.
func (cs *calls) end(token uint64, keep bool) call {
	q := cs.slots[token]
	cs.slots[token] = call{}
	cs.free = append(cs.free, token)
	if !keep {
		delete(cs.rids, q.rid)
	}
	if len(cs.free) == len(cs.slots) && len(cs.slots) > keptCalls {
		cs.slots, cs.free = nil, nil
		if len(cs.rids) == 0 {
			cs.rids = nil
		}
	}
	return q
}

// release frees the rid of a watch.
func (cs *calls) release(r rid) { delete(cs.rids, r) }
