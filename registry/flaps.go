package registry

// Flap detection follows RFC 2439 (route flap damping): each time an id goes it
// gets penalty points, which halve every 15 minutes of cluster time. It flaps
// from 2,000 points on until it is below 750. An event gives its id's points
// after it, so what is known of an id ends with its events.
const (
	pointsExpired  = 1000
	pointsReplaced = 500
	pointsLeft     = 500
	pointsMax      = 12_000 // from which 750 are an hour away

	flapsFrom  = 2000
	flapsUntil = 750

	pointsHalfMS = 15 * 60 * 1000
)

// penalty is that of one id at the time of an event.
type penalty struct {
	points   uint16
	flapping bool
}

// roots are 2^(-1/2), 2^(-1/4) and so on to 2^(-1/256), in 65,536ths.
var roots = [...]uint64{46341, 55109, 60097, 62757, 64132, 64830, 65182, 65359}

// decayed returns what is left after that many milliseconds.
func (p penalty) decayed(ms uint64) penalty {
	halves := min(ms/pointsHalfMS, 63)
	points := uint64(p.points) << 16 >> halves
	fraction := ms % pointsHalfMS << len(roots) / pointsHalfMS
	for i, root := range roots {
		if fraction>>(len(roots)-1-i)&1 != 0 {
			points = points * root >> 16
		}
	}
	left := uint16(points >> 16)
	return penalty{left, p.flapping && left >= flapsUntil}
}

// struck returns the penalty after an event of that type.
func (p penalty) struck(kind EventType) penalty {
	switch kind {
	case EventExpired:
		p.points += pointsExpired
	case EventReplaced:
		p.points += pointsReplaced
	case EventLeft:
		p.points += pointsLeft
	}
	p.points = min(p.points, pointsMax)
	p.flapping = p.flapping || p.points >= flapsFrom
	return p
}

// count counts an id that flaps.
func (p penalty) count() int {
	if p.flapping {
		return 1
	}
	return 0
}

// Flapping tells whether an id came and went too often of late, at a moment of
// the cluster time. It is a hint: a node that was restarted knows only of the
// events that are kept.
func (s *State) Flapping(ns, id string, now uint64) bool {
	if s.events.flaps == 0 {
		return false
	}
	i := s.events.last(s.hashID(ns, id), ns, id)
	if i < 0 {
		return false
	}
	e := s.events.at(i)
	at := e.record.head().cluster
	return e.penalty.decayed(now - min(now, at)).flapping
}
