package registry

// guard tells the judge which due leases to hold: those of a protected scope
// of which too many fell silent. It belongs to one replica and counts what that
// applies; the holds themselves are in the State.
type guard struct {
	state   *State
	scopes  map[serviceName]*scope
	docket  []uint32 // due leases of protected scopes, of one sitting
	awaited uint64   // the epoch decided last whose decision has not been applied, or 0
	since   LeaseTime
}

// verdict is what becomes of a due lease.
type verdict uint8

const (
	buries verdict = iota
	holds
	waits // held, and stays so
)

func newGuard(s *State) *guard { return &guard{state: s} }

// protect replaces all rules, and forgets what was counted.
func (g *guard) protect(rules []Protection) {
	g.scopes = make(map[serviceName]*scope, len(rules))
	for _, p := range rules {
		g.scopes[p.scope()] = &scope{Protection: p, expired: newWindow(p.Window)}
	}
}

// of returns the scope of a service's leases, or nil.
func (g *guard) of(name serviceName) *scope {
	if s := g.scopes[name]; s != nil {
		return s
	}
	return g.scopes[serviceName{ns: name.ns}]
}

func (g *guard) name(slot uint32) serviceName {
	s := g.state
	return s.groups.at(s.leases.at(slot).group).name()
}

// takes puts a due lease on the docket if it is protected.
func (g *guard) takes(slot uint32) bool {
	if len(g.scopes) == 0 || g.of(g.name(slot)) == nil {
		return false
	}
	g.docket = append(g.docket, slot)
	return true
}

// waiting tells whether a decision of before is still on its way: until it is
// applied nobody can be counted. One that is lost is waited for no longer than
// until its leases are due again.
func (g *guard) waiting(now LeaseTime) bool {
	return g.awaited != 0 && now-g.since < repeatMS
}

func (g *guard) await(epoch uint64, now LeaseTime) { g.awaited, g.since = epoch, now }

// count counts the silent of every scope on the docket.
func (g *guard) count(now LeaseTime, clusterMS uint64) {
	for _, slot := range g.docket {
		if s := g.of(g.name(slot)); g.state.leases.at(slot).state != Held {
			s.due++
		}
	}
	for _, slot := range g.docket {
		if s := g.of(g.name(slot)); s.silent == 0 {
			g.assess(s, now, clusterMS)
		}
	}
}

// assess counts one scope; somebody of it is due or held.
func (g *guard) assess(s *scope, now LeaseTime, clusterMS uint64) {
	living, held := g.census(s)
	expired := s.expired.sum(clusterMS)
	s.silent, s.population, s.held = expired+held+s.due, living+expired, held
	s.tripped = s.trips(s.silent, s.population)
	s.refill(now)
}

// census counts who lives in a scope and who of them is held: with a namespace,
// without the services that have a scope of their own.
func (g *guard) census(s *scope) (living, held int) {
	living, held = g.state.groups.census(s.scope())
	if s.Service != "" {
		return living, held
	}
	for name := range g.scopes {
		if name.ns == s.NS && name.service != "" {
			l, h := g.state.groups.census(name)
			living, held = living-l, held-h
		}
	}
	return living, held
}

// verdict decides about a lease on the docket, after count.
func (g *guard) verdict(slot uint32, clusterMS uint64) verdict {
	name := g.name(slot)
	s, h := g.of(name), g.state.holdOf(name)
	switch held := g.state.leases.at(slot).state == Held; {
	case h != nil && h.over(clusterMS), !s.tripped:
		return buries
	case !held:
		return holds
	case s.tokens >= 1:
		s.tokens--
		return buries
	}
	return waits
}

// adjourn ends a sitting.
func (g *guard) adjourn() {
	for _, slot := range g.docket {
		s := g.of(g.name(slot))
		s.due, s.silent = 0, 0
	}
	g.docket = g.docket[:0]
}

// applied counts who expired, and notes that the awaited decision was applied.
func (g *guard) applied(e *Entry, events []Event) {
	if len(g.scopes) == 0 {
		return
	}
	for i := range events {
		if ev := &events[i]; ev.Type == EventExpired {
			if s := g.of(serviceName{ev.NS, ev.Service}); s != nil {
				s.expired.add(g.state.clusterMS)
			}
		}
	}
	for _, c := range e.Commands {
		if b := judged(c); len(b) > 0 && b[len(b)-1].Epoch == g.awaited {
			g.awaited = 0
		}
	}
}

// judged returns whom a command of the judge is about.
func judged(c Command) []Burial {
	switch c := c.(type) {
	case *Expire:
		return c.Burials
	case *Hold:
		return c.Burials
	}
	return nil
}
