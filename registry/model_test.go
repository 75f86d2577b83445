package registry

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// model is the registry as one would write it without a thought for memory or
// speed: a map of leases, and a list of certificates, all of them kept. It
// answers in the words of API.md.
type model struct {
	term, revision uint64
	cluster        string
	wall           int64
	time           uint64 // of the cluster
	leases         map[Identity]*modelLease
	ended          []modelEnd // oldest first
	holds          map[serviceName]*modelHold
	past           []map[Identity]Lease // what lived at the end of each revision but the present one
}

type modelHold struct {
	reason             string
	since, ends, rests uint64
}

type modelLease struct {
	Lease
	key      string
	replaced uint64
}

type modelEnd struct {
	modelLease
	cause    Cause
	revision uint64
}

// answer is what the model says of one command.
type answer struct {
	code            Code
	revision        uint64
	epoch           uint64 // of the lease in the result
	current         uint64
	seq             uint64
	ended           uint64 // epoch of the certificate in the result
	buried          int
	beats           []BeatResult
	replaced        uint64
	event           EventType
	created, silent bool
}

func (m *model) apply(c Command) answer {
	switch c := c.(type) {
	case *Grant:
		return m.grant(c)
	case *Renew:
		a := m.say(OK)
		for i := range c.Beats.Len() {
			epoch, seq := c.Beats.At(i)
			b := m.renew(c.NS, epoch, seq)
			a.beats = append(a.beats, b)
			m.release(&a, m.byEpoch(epoch), b)
		}
		return a
	case *RenewNamed:
		return m.renewNamed(c)
	case *Patch:
		return m.patch(c)
	case *Leave:
		return m.leave(c)
	case *Evict:
		return m.evict(c)
	case *Expire:
		return m.expire(c)
	case *Hold:
		return m.hold(c)
	case *Release:
		return m.endHolds(c)
	case *Serve:
		if c.Term != m.term {
			return m.say(WrongTerm)
		}
		if m.cluster != "" && m.cluster != c.ClusterID {
			return m.say(ForeignCluster)
		}
		m.cluster = c.ClusterID
	}
	return m.say(OK)
}

func (m *model) say(code Code) answer { return answer{code: code, revision: m.revision, silent: true} }

func (m *model) event(kind EventType, epoch uint64) answer {
	return answer{code: OK, revision: m.revision, event: kind, epoch: epoch}
}

// next begins a new revision.
func (m *model) next() {
	m.past = append(m.past, m.present())
	m.revision++
}

// present copies all that lives.
func (m *model) present() map[Identity]Lease {
	live := make(map[Identity]Lease, len(m.leases))
	for who, l := range m.leases {
		live[who] = l.Lease
	}
	return live
}

func (m *model) grant(c *Grant) answer {
	who := Identity{c.NS, c.ID}
	l := m.leases[who]
	if c.Key != "" {
		if l != nil && l.key == c.Key {
			a := m.say(Duplicate)
			a.epoch, a.revision, a.replaced = l.Epoch, l.Epoch, l.replaced
			return a
		}
		for _, e := range slices.Backward(m.ended) {
			if e.NS == c.NS && e.ID == c.ID && e.key == c.Key {
				return m.gone(who, e.Epoch)
			}
		}
	}
	if l != nil && c.IfAbsent {
		a := m.say(Taken)
		a.epoch = l.Epoch
		return a
	}
	m.next()
	a := m.event(EventRegistered, m.revision)
	if l != nil {
		a.event, a.replaced = EventReplaced, l.Epoch
		m.end(l, CauseReplaced)
	}
	a.created = l == nil
	m.leases[who] = &modelLease{Lease{
		NS: c.NS, ID: c.ID, Spec: c.Spec, State: Alive, Epoch: m.revision, TTL: c.TTL,
		GrantedAt: m.wall, RenewedAt: m.wall, Revision: m.revision,
	}, c.Key, a.replaced}
	return a
}

func (m *model) end(l *modelLease, cause Cause) {
	m.ended = append(m.ended, modelEnd{*l, cause, m.revision})
	delete(m.leases, Identity{l.NS, l.ID})
}

// gone answers for an epoch of an id that does not live.
func (m *model) gone(who Identity, epoch uint64) answer {
	if l := m.leases[who]; l != nil && l.Epoch > epoch {
		a := m.say(Superseded)
		a.current = l.Epoch
		return a
	}
	for _, e := range m.ended {
		if e.Epoch == epoch && e.NS == who.NS && e.ID == who.ID {
			a := m.say(Ended)
			a.ended = epoch
			return a
		}
	}
	return m.say(NotFound)
}

func (m *model) byEpoch(epoch uint64) *modelLease {
	for _, l := range m.leases {
		if l.Epoch == epoch {
			return l
		}
	}
	return nil
}

func (m *model) renew(ns string, epoch, seq uint64) BeatResult {
	if l := m.byEpoch(epoch); l != nil {
		if ns != "" && l.NS != ns {
			return BeatResult{Code: NotFound}
		}
		return l.beat(seq, m.wall)
	}
	for _, e := range m.ended {
		if e.Epoch == epoch && (ns == "" || e.NS == ns) {
			a := m.gone(Identity{e.NS, e.ID}, epoch)
			return BeatResult{Code: a.code, Current: a.current}
		}
	}
	return BeatResult{Code: NotFound}
}

func (l *modelLease) beat(seq uint64, wall int64) BeatResult {
	b := BeatResult{TTL: l.TTL}
	switch {
	case seq > l.Seq+MaxJump:
		b.Code, b.Current = Jump, l.Seq
	case seq > l.Seq:
		l.Missed += seq - l.Seq - 1
		l.Renewals++
		l.Seq, l.RenewedAt = seq, wall
		b.RemainingMS = l.TTL
	case seq == l.Seq && seq != 0:
		b.Code = Duplicate
	default:
		b.Code, b.Current = StaleSequence, l.Seq
	}
	return b
}

func (m *model) renewNamed(c *RenewNamed) answer {
	who := Identity{c.NS, c.ID}
	l := m.leases[who]
	if l == nil || l.Epoch != c.Epoch {
		a := m.gone(who, c.Epoch)
		a.beats = []BeatResult{{Code: a.code, Current: a.current}}
		return a
	}
	b := l.beat(c.Seq, m.wall)
	a := m.say(b.Code)
	a.seq, a.beats = b.Current, []BeatResult{b}
	m.release(&a, l, b)
	return a
}

// release gives a held lease its state back if its beat was accepted.
func (m *model) release(a *answer, l *modelLease, b BeatResult) {
	if b.Code == OK && l.State == Held {
		m.next()
		l.State, l.Resumes, l.HeldReason, l.Revision = l.Resumes, 0, "", m.revision
		a.revision, a.event, a.silent = m.revision, EventReleased, false
	}
}

func (m *model) patch(c *Patch) answer {
	who := Identity{c.NS, c.ID}
	l := m.leases[who]
	if l == nil || l.Epoch != c.Epoch {
		return m.gone(who, c.Epoch)
	}
	to := l.Lease
	if c.State != nil && l.State == Held {
		to.Resumes = *c.State
	} else if c.State != nil {
		to.State = *c.State
	}
	if c.Address != nil {
		to.Spec.Address = *c.Address
	}
	if c.Port != nil {
		to.Spec.Port = *c.Port
	}
	if c.Tags != nil {
		to.Spec.Tags = list(*c.Tags)
	}
	if c.Meta != nil {
		to.Spec.Meta = *c.Meta
	}
	if reflect.DeepEqual(to, l.Lease) {
		a := m.say(OK)
		a.epoch = l.Epoch
		return a
	}
	m.next()
	kind := EventUpdated
	if !l.drains() && to.drains() {
		kind = EventDraining
	}
	to.Revision = m.revision
	l.Lease = to
	return m.event(kind, l.Epoch)
}

func (m *model) leave(c *Leave) answer {
	who := Identity{c.NS, c.ID}
	if l := m.leases[who]; l != nil && l.Epoch == c.Epoch {
		return m.finish(l, CauseLeft, EventLeft)
	}
	for _, e := range m.ended {
		if e.Epoch == c.Epoch && e.NS == c.NS && e.ID == c.ID && e.cause == CauseLeft {
			return m.repeat(e)
		}
	}
	return m.gone(who, c.Epoch)
}

func (m *model) finish(l *modelLease, cause Cause, kind EventType) answer {
	m.next()
	m.end(l, cause)
	a := m.event(kind, 0)
	a.ended = l.Epoch
	return a
}

func (m *model) repeat(e modelEnd) answer {
	a := m.say(OK)
	a.revision, a.ended = e.revision, e.Epoch
	return a
}

func (m *model) evict(c *Evict) answer {
	who := Identity{c.NS, c.ID}
	if l := m.leases[who]; l != nil {
		return m.finish(l, CauseEvicted, EventEvicted)
	}
	for _, e := range slices.Backward(m.ended) {
		if e.NS == c.NS && e.ID == c.ID && e.cause == CauseEvicted {
			return m.repeat(e)
		} else if e.NS == c.NS && e.ID == c.ID {
			return m.gone(who, e.Epoch)
		}
	}
	return m.say(NotFound)
}

func (m *model) expire(c *Expire) answer {
	if c.Term != m.term {
		return m.say(WrongTerm)
	}
	buried := 0
	for _, b := range c.Burials {
		if l := m.byEpoch(b.Epoch); l != nil && l.Seq == b.Seq {
			m.next()
			m.end(l, CauseExpired)
			buried++
		}
	}
	a := m.say(OK)
	a.buried, a.silent = buried, buried == 0
	return a
}

// listed answers a query without an index, from all that lives or lived.
func listed(live map[Identity]Lease, q Query) []Lease {
	var found []Lease
	for _, who := range slices.SortedFunc(maps.Keys(live), func(a, b Identity) int { return strings.Compare(a.ID, b.ID) }) {
		l := live[who]
		has := func(tag string) bool { return slices.Contains(l.Spec.Tags, tag) }
		hasPair := func(p Pair) bool { return slices.Contains(l.Spec.Meta, p) }
		if l.NS == q.NS && l.ID > q.After && strings.HasPrefix(l.ID, q.Prefix) &&
			(q.Service == "" || q.Service == l.Spec.Service) && every(q.Tags, has) && every(q.Meta, hasPair) &&
			(len(q.States) == 0 || slices.Contains(q.States, l.State)) {
			found = append(found, l)
		}
	}
	return found
}

func ids(leases []Lease) (list []string) {
	for _, l := range leases {
		list = append(list, l.ID)
	}
	return list
}

// The state machine answers as the model does, command by command, and agrees
// with it on who lives.
func TestStateIsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newState()
		s.apply(Position{Index: 1, Term: 1}, &Entry{}) // from here on advances count
		m := &model{term: 1, leases: make(map[Identity]*modelLease), holds: make(map[serviceName]*modelHold)}
		h := &modelHistory{model: m}
		for i := range rapid.IntRange(1, 40).Draw(t, "commands") {
			c := drawCommand(t, s.Revision())
			if serve, ok := c.(*Serve); ok {
				serve.Retention = drawEventRetention(t)
			}
			m.wall = int64(i) * 10
			e := Entry{Wall: m.wall, Advance: rapid.Uint32Range(0, 3000).Draw(t, "advance"), Proposer: "n1", Commands: []Command{c}}
			m.time += uint64(e.Advance)
			out := s.apply(Position{Index: uint64(i) + 2, Term: 1}, &e)
			compare(t, out, m.apply(c))
			m.tidy()
			compareHolds(t, s, m)
			h.follow(t, &e, out)
			h.compare(t, s)
			compareLeases(t, s, m)
			compareList(t, s, m)
		}
		if err := audit(s); err != nil {
			t.Fatal(err)
		}
	})
}

func compare(t *rapid.T, out Outcome, want answer) {
	r := out.Results[0]
	got := answer{
		code: r.Code, revision: r.Revision, current: r.CurrentEpoch, seq: r.CurrentSeq, buried: r.Buried,
		replaced: r.ReplacedEpoch, created: r.Created, silent: len(out.Events) == 0,
	}
	if r.Lease != nil {
		got.epoch = r.Lease.Epoch
	}
	if r.Certificate != nil {
		got.ended = r.Certificate.Epoch
	}
	if len(out.Events) > 0 && r.Buried == 0 {
		got.event = out.Events[0].Type
	}
	for _, b := range r.Beats {
		if b.Code != OK {
			b.RemainingMS = 0
		}
		got.beats = append(got.beats, b)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func compareHolds(t *rapid.T, s *State, m *model) {
	got := make(map[serviceName]*modelHold)
	for name, h := range s.holds {
		got[name] = &modelHold{h.reason, h.since, h.ends, h.rests}
	}
	if !reflect.DeepEqual(got, m.holds) {
		t.Fatalf("holds %+v, want %+v", got, m.holds)
	}
}

func compareLeases(t *rapid.T, s *State, m *model) {
	if s.Len() != len(m.leases) || s.Revision() != m.revision {
		t.Fatalf("%d leases at revision %d, want %d at %d", s.Len(), s.Revision(), len(m.leases), m.revision)
	}
	for who, want := range m.leases {
		got, ok := s.Lease(who.NS, who.ID)
		got.Slot = 0
		if !ok || !reflect.DeepEqual(got, want.Lease) {
			t.Fatalf("lease %v is %+v, want %+v", who, got, want.Lease)
		}
		if ns, id, ok := s.Holder(got.Epoch); !ok || ns != who.NS || id != who.ID {
			t.Fatalf("epoch %d is held by %s/%s, want %v", got.Epoch, ns, id, who)
		}
	}
	for _, e := range m.ended {
		c, ok := s.CertificateOf(e.Epoch)
		if !ok || c.Cause != e.cause || c.Revision != e.revision || c.LastSeq != e.Seq || c.Missed != e.Missed || c.Service != e.Spec.Service {
			t.Fatalf("certificate of %d is %+v, want %+v", e.Epoch, c, e)
		}
	}
}

func drawQuery(t *rapid.T) Query {
	q := Query{NS: someNS.Draw(t, "query ns"), Service: someService.Draw(t, "query service"), Limit: rapid.IntRange(1, 3).Draw(t, "limit")}
	q.Prefix = rapid.SampledFrom([]string{"", "z", "y"}).Draw(t, "prefix")
	q.After = rapid.SampledFrom([]string{"", "x", "z"}).Draw(t, "after")
	if rapid.Bool().Draw(t, "more conditions") {
		q.Tags, q.Meta = someTags.Draw(t, "query tags"), drawMeta(t)
		q.States = rapid.SampledFrom([][]LeaseState{nil, {Alive}, {Draining, Held}}).Draw(t, "states")
	}
	return q
}

func compareList(t *rapid.T, s *State, m *model) {
	q := drawQuery(t)
	want := ids(listed(m.present(), q))
	page := s.List(q)
	got := ids(page.Leases)
	n := min(q.Limit, len(want))
	if !slices.Equal(got, want[:n]) || page.More != (n < len(want)) {
		t.Fatalf("%+v\nlists %v, more %v, want %v", q, got, page.More, want)
	}
	if page.More && page.Next < got[n-1] {
		t.Fatalf("next is %q after %v", page.Next, got)
	}
}
