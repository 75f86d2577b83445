package loadgen

import "time"

// flights are the heartbeats of a session that are not answered yet, in a ring
// by rid.
type flights struct {
	ring []flight
	n    int
	most int
	rid  uint64 // the last one given
}

type flight struct {
	rid   uint64 // 0: the place is free
	lease int    // index
	sent  time.Time
}

// newFlights has room for so many. The ring has four times as many places, so
// that one late answer does not make all others wait.
func newFlights(most int) flights {
	size := 4
	for size < 4*most {
		size *= 2
	}
	return flights{ring: make([]flight, size), most: most}
}

func (f *flights) room() bool { return f.n < f.most }

func (f *flights) place(rid uint64) *flight { return &f.ring[rid&uint64(len(f.ring)-1)] }

// add gives a heartbeat its rid; there must be room.
func (f *flights) add(lease int, now time.Time) uint64 {
	f.rid++
	for f.place(f.rid).rid != 0 {
		f.rid++
	}
	*f.place(f.rid) = flight{f.rid, lease, now}
	f.n++
	return f.rid
}

// remove takes out the heartbeat of that rid, if it is in flight.
func (f *flights) remove(rid uint64) (lease int, sent time.Time, ok bool) {
	p := f.place(rid)
	if rid == 0 || p.rid != rid {
		return 0, time.Time{}, false
	}
	lease, sent = p.lease, p.sent
	*p = flight{}
	f.n--
	return lease, sent, true
}

func (f *flights) clear() {
	clear(f.ring)
	f.n = 0
}
