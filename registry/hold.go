package registry

import (
	"cmp"
	"slices"
)

// Bounds of a hold, whatever its command says.
const (
	holdMaxMS = 7 * 24 * 60 * 60 * 1000 // of its length and of its rest
	reasonMax = 256                     // bytes
)

// hold says that too many leases of a scope fell silent at once, and that the
// overdue ones are Held rather than buried. It lasts while somebody is held, at
// most until ends. One that lasted so long, or was released, is remembered until
// rests: before that nobody of the scope is held again.
//
// A scope is a service, or with "" a namespace: then all of it but the services
// that have a hold of their own.
type hold struct {
	serviceName
	reason             string
	since, ends, rests uint64 // cluster milliseconds
	marks              mark
}

// HoldStatus is one hold under which leases are held now.
type HoldStatus struct {
	NS, Service string // Service "" for all of the namespace
	Held        int    // leases
	Reason      string // what was seen when it began
	SinceMS     uint64 // for how long it has lasted, in cluster time
	EndsMS      uint64 // in how long it ends at the latest; 0 when it has ended
}

// Holds returns the holds under which leases are held, by namespace and
// service, as of a cluster time (see ClusterNow).
func (s *State) Holds(now uint64) []HoldStatus {
	var list []HoldStatus
	for name, h := range s.holds {
		if held := s.heldUnder(name); held > 0 {
			list = append(list, HoldStatus{
				NS: h.ns, Service: h.service, Held: held, Reason: h.reason,
				SinceMS: now - min(now, h.since), EndsMS: h.ends - min(h.ends, now),
			})
		}
	}
	slices.SortFunc(list, func(a, b HoldStatus) int {
		return cmp.Or(cmp.Compare(a.NS, b.NS), cmp.Compare(a.Service, b.Service))
	})
	return list
}

// Held returns the number of held leases.
func (s *State) Held() (count int) {
	if len(s.holds) == 0 {
		return 0
	}
	for _, n := range s.groups.namespaces {
		count += int(n.held)
	}
	return count
}

// heldUnder counts whom a hold holds.
func (s *State) heldUnder(name serviceName) int {
	_, held := s.groups.census(name)
	if name.service != "" {
		return held
	}
	for other := range s.holds {
		if other.ns == name.ns && other.service != "" {
			_, own := s.groups.census(other)
			held -= own
		}
	}
	return held
}

// holdOf returns the hold to which a service's leases are subject, or nil.
func (s *State) holdOf(name serviceName) *hold {
	if h := s.holds[name]; h != nil {
		return h
	}
	return s.holds[serviceName{ns: name.ns}]
}

func (s *State) heldReason(number uint32) string {
	if h := s.holdOf(s.groups.at(number).name()); h != nil {
		return h.reason
	}
	return ""
}

// over tells whether a hold has ended and rests.
func (h *hold) over(clusterMS uint64) bool { return clusterMS >= h.ends }

// lift forgets the holds of a service and of its namespace that hold nobody any
// more: they ended early, and another may begin at any time.
func (s *State) lift(name serviceName) {
	for _, scope := range [...]serviceName{name, {ns: name.ns}} {
		h := s.holds[scope]
		if h == nil || h.over(s.clusterMS) {
			continue
		}
		if _, held := s.groups.census(scope); held == 0 {
			s.dropHold(h)
		}
	}
}

// forgetHolds drops the holds whose rest is over.
func (s *State) forgetHolds() {
	for name, h := range s.holds {
		if s.clusterMS < h.rests {
			continue
		}
		if _, held := s.groups.census(name); held == 0 {
			s.dropHold(h)
		}
	}
}

func (s *State) putHold(h *hold) {
	s.holds[h.serviceName] = h
	s.sum += digestHold(h)
	if h.marks&stored == 0 {
		s.image.heldBack(h)
	}
}

func (s *State) dropHold(h *hold) {
	delete(s.holds, h.serviceName)
	s.sum -= digestHold(h)
	s.image.heldBack(h)
}
