package registry

import (
	"maps"
	"slices"
)

// group is a service of a namespace, "" being those without one. It lives as
// long as it has leases.
type group struct {
	ns       *namespace
	service  string
	counts   [Held + 1]uint32 // leases by state
	leases   uint32
	revision uint64 // of the last change
	marks    mark
}

type namespace struct {
	name         string
	services     map[string]uint32 // its groups
	leases, held uint32
}

func (e *group) name() serviceName { return serviceName{e.ns.name, e.service} }

// groups gives each (namespace, service) with leases a number.
type groups struct {
	list       []group
	free       []uint32
	namespaces map[string]*namespace
}

func newGroups() *groups { return &groups{namespaces: make(map[string]*namespace)} }

func (g *groups) at(number uint32) *group { return &g.list[number] }

func (g *groups) find(ns, service string) (uint32, bool) {
	n := g.namespaces[ns]
	if n == nil {
		return 0, false
	}
	number, ok := n.services[service]
	return number, ok
}

// join counts one more lease in a group and returns its number.
func (g *groups) join(ns, service string, state LeaseState) uint32 {
	number, ok := g.find(ns, service)
	if !ok {
		number = g.make(ns, service)
	}
	e := g.at(number)
	e.leases++
	e.ns.leases++
	e.count(state, 1)
	return number
}

// count counts some more leases in that state.
func (e *group) count(state LeaseState, more int32) {
	e.counts[state] += uint32(more)
	if state == Held {
		e.ns.held += uint32(more)
	}
}

// move counts a lease of a group that changed its state.
func (g *groups) move(number uint32, from, to LeaseState) {
	e := g.at(number)
	e.count(from, -1)
	e.count(to, 1)
}

func (g *groups) make(ns, service string) uint32 {
	n := g.namespaces[ns]
	if n == nil {
		n = &namespace{name: ns, services: make(map[string]uint32)}
		g.namespaces[ns] = n
	}
	number := g.take()
	*g.at(number) = group{ns: n, service: service}
	n.services[service] = number
	return number
}

func (g *groups) take() uint32 {
	if n := len(g.free); n > 0 {
		number := g.free[n-1]
		g.free = g.free[:n-1]
		return number
	}
	g.list = append(g.list, group{})
	return uint32(len(g.list) - 1)
}

// part counts one lease less and forgets what is empty.
func (g *groups) part(number uint32, state LeaseState) {
	e := g.at(number)
	e.leases--
	e.ns.leases--
	e.count(state, -1)
	if e.leases > 0 {
		return
	}
	delete(e.ns.services, e.service)
	if len(e.ns.services) == 0 {
		delete(g.namespaces, e.ns.name)
	}
	*e = group{}
	g.free = append(g.free, number)
}

// census returns how many leases there are of a service, or with "" of a whole
// namespace, and how many of them are held.
func (g *groups) census(name serviceName) (leases, held int) {
	if name.service == "" {
		if n := g.namespaces[name.ns]; n != nil {
			return int(n.leases), int(n.held)
		}
	} else if number, ok := g.find(name.ns, name.service); ok {
		e := g.at(number)
		return int(e.leases), int(e.counts[Held])
	}
	return 0, 0
}

// Services counts the leases of each service of a namespace, by name. Leases
// without a service are not counted.
func (s *State) Services(ns string) []ServiceCount {
	n := s.groups.namespaces[ns]
	if n == nil {
		return nil
	}
	var list []ServiceCount
	for _, name := range slices.Sorted(maps.Keys(n.services)) {
		if name == "" {
			continue
		}
		g := s.groups.at(n.services[name])
		list = append(list, ServiceCount{
			Service: name, Alive: int(g.counts[Alive]), Draining: int(g.counts[Draining]),
			Held: int(g.counts[Held]), Revision: g.revision,
		})
	}
	return list
}
