package registry

// What the model says of holds.

// scopeOf returns the hold to which a lease is subject, or nil.
func (m *model) scopeOf(l *modelLease) *modelHold {
	if h := m.holds[serviceName{l.NS, l.Spec.Service}]; h != nil {
		return h
	}
	return m.holds[serviceName{l.NS, ""}]
}

// held counts the held leases of a service, or of a namespace.
func (m *model) held(scope serviceName) (count int) {
	for _, l := range m.leases {
		if l.State == Held && l.NS == scope.ns && (scope.service == "" || scope.service == l.Spec.Service) {
			count++
		}
	}
	return count
}

func (m *model) hold(c *Hold) answer {
	if c.Term != m.term {
		return m.say(WrongTerm)
	}
	held := 0
	for _, b := range c.Burials {
		l := m.byEpoch(b.Epoch)
		if l == nil || l.Seq != b.Seq || l.State == Held || l.NS != c.NS || c.Service != "" && l.Spec.Service != c.Service {
			continue
		}
		h := m.scopeOf(l)
		if h == nil {
			h = &modelHold{c.Reason, m.time, m.time + c.MaxMS, m.time + c.MaxMS + c.RestMS}
			m.holds[serviceName{c.NS, c.Service}] = h
		} else if h.ends <= m.time {
			continue
		}
		m.next()
		held++
		l.State, l.Resumes, l.HeldReason, l.Revision = Held, l.State, h.reason, m.revision
	}
	a := m.say(OK)
	a.buried, a.silent = held, held == 0
	return a
}

func (m *model) endHolds(c *Release) answer {
	scope := serviceName{c.NS, c.Service}
	a := m.say(OK)
	a.buried = m.held(scope)
	if h := m.holds[serviceName{ns: c.NS}]; h != nil && m.holds[scope] == nil && a.buried > 0 {
		m.holds[scope] = new(*h)
	}
	for name, h := range m.holds {
		if (name == scope || c.Service == "" && name.ns == c.NS) && h.ends > m.time {
			h.ends, h.rests = m.time, m.time+h.rests-h.ends
		}
	}
	return a
}

// tidy forgets holds: of nobody, or whose rest is over.
func (m *model) tidy() {
	for name, h := range m.holds {
		if m.held(name) == 0 && (h.ends > m.time || h.rests <= m.time) {
			delete(m.holds, name)
		}
	}
}
