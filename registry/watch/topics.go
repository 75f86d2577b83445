package watch

import "github.com/seed-b4c92e43/rollcall/registry"

// topic is what a subscription is woken for: its id, else its service, else
// everything of its namespace; or everything there is.
type topic struct {
	ns   string
	kind topicKind
	name string
}

type topicKind uint8

const (
	ofNamespace topicKind = iota
	ofService
	ofID
	ofAll
)

func (f *Filter) topic() topic {
	switch {
	case f.all:
		return topic{kind: ofAll}
	case f.ID != "":
		return topic{f.NS, ofID, f.ID}
	case f.Service != "":
		return topic{f.NS, ofService, f.Service}
	}
	return topic{f.NS, ofNamespace, ""}
}

// group is the subscriptions of one topic.
type group struct {
	topic   topic
	members int
	idle    []*Subscription // those that have seen all there is
}

// rest puts a subscription among the idle.
func (g *group) rest(s *Subscription) {
	s.idle, s.at = true, len(g.idle)
	g.idle = append(g.idle, s)
}

// drop takes an idle subscription out.
func (g *group) drop(s *Subscription) {
	last := len(g.idle) - 1
	moved := g.idle[last]
	g.idle[s.at], moved.at = moved, s.at
	g.idle[last] = nil
	g.idle = g.idle[:last]
	s.idle = false
}

// rouse wakes all that are idle. Nothing up to seen concerned them, else they
// would not be idle.
func (g *group) rouse(seen uint64) {
	for _, s := range g.idle {
		s.rouse(seen)
	}
	clear(g.idle)
	g.idle = g.idle[:0]
}

// topics finds the groups.
type topics map[topic]*group

func (t topics) join(of topic) *group {
	g := t[of]
	if g == nil {
		g = &group{topic: of}
		t[of] = g
	}
	g.members++
	return g
}

func (t topics) leave(g *group) {
	if g.members--; g.members == 0 {
		delete(t, g.topic)
	}
}

// rouse wakes whom an event may concern.
func (t topics) rouse(e *registry.Event) {
	t.rouseOne(topic{e.NS, ofID, e.ID}, e.Revision)
	t.rouseOne(topic{e.NS, ofNamespace, ""}, e.Revision)
	t.rouseOne(topic{kind: ofAll}, e.Revision)
	if e.Lease != nil {
		t.rouseOne(topic{e.NS, ofService, e.Lease.Spec.Service}, e.Revision)
	}
	if e.Before != nil {
		t.rouseOne(topic{e.NS, ofService, e.Before.Spec.Service}, e.Revision)
	}
}

func (t topics) rouseOne(of topic, revision uint64) {
	if g := t[of]; g != nil {
		g.rouse(revision - 1)
	}
}
