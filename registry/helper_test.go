package registry

import (
	"fmt"
	"testing"
	"time"
)

// bench drives one replica through the codec, as a log would.
type bench struct {
	t    testing.TB
	r    *Replica
	node string
	at   Position
	wall int64
	mono time.Duration
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, r: NewReplica("n1"), node: "n1", at: Position{Term: 1}, wall: 1_000_000}
	return b
}

// entry applies commands as one entry, one second of wall time later.
func (b *bench) entry(commands ...Command) Outcome {
	b.t.Helper()
	b.at.Index++
	b.wall += 1000
	e := Entry{Wall: b.wall, Advance: 1000, Proposer: b.node, Commands: commands}
	decoded, err := DecodeEntry(e.Append(nil))
	if err != nil {
		b.t.Fatalf("decode: %v", err)
	}
	return b.r.Apply(b.at, &decoded, b.mono)
}

// do applies one command and returns its result and its event, if any.
func (b *bench) do(c Command) (Result, *Event) {
	b.t.Helper()
	out := b.entry(c)
	switch len(out.Events) {
	case 0:
		return out.Results[0], nil
	case 1:
		return out.Results[0], &out.Events[0]
	}
	b.t.Fatalf("%d events of one command", len(out.Events))
	return Result{}, nil
}

// grant registers an id with defaults and returns its epoch.
func (b *bench) grant(id string) uint64 {
	b.t.Helper()
	r, _ := b.do(&Grant{NS: "ns", ID: id, TTL: 10_000})
	if r.Code != OK {
		b.t.Fatalf("grant %s: code %d", id, r.Code)
	}
	return r.Lease.Epoch
}

// beat renews one epoch.
func (b *bench) beat(epoch, seq uint64) BeatResult {
	b.t.Helper()
	r, ev := b.do(&Renew{Beats: Beats{}.Append(epoch, seq)})
	if ev != nil {
		b.t.Fatalf("a renewal made an event")
	}
	return r.Beats[0]
}

// check compares the digest with a count of everything.
func (b *bench) check() {
	b.t.Helper()
	if err := audit(b.r.State); err != nil {
		b.t.Fatal(err)
	}
}

// audit checks what must hold in every state.
func audit(s *State) error {
	if sum := s.recount(); sum != s.sum {
		return fmt.Errorf("digest sum is %x, a recount gives %x", s.sum, sum)
	}
	postings := 0
	s.postings.ascend(func(posting, string) bool { return false }, func(posting) bool { postings++; return true })
	counted := 0
	for _, n := range s.postings.counts {
		counted += int(n)
	}
	if postings != counted {
		return fmt.Errorf("%d postings, %d counted", postings, counted)
	}
	in, held, inNS := 0, 0, 0
	for _, g := range s.groups.list {
		in += int(g.leases)
		held += int(g.counts[Held])
	}
	for _, n := range s.groups.namespaces {
		inNS += int(n.leases)
	}
	if in != s.Len() || inNS != in || held != s.Held() {
		return fmt.Errorf("%d leases, %d in groups, %d in namespaces; %d held, %d in groups", s.Len(), in, inNS, s.Held(), held)
	}
	if err := auditEvents(&s.events); err != nil {
		return err
	}
	return auditMail(s)
}

// auditEvents checks that the log of events finds what it holds.
func auditEvents(g *eventLog) error {
	last := make(map[Identity]int)
	weight := uint64(0)
	for i := range g.count {
		h := g.at(i).record.head()
		who := Identity{h.ns, h.id}
		want := -1
		if before, ok := last[who]; ok {
			want = before
		}
		if got := g.previous(i); got != want {
			return fmt.Errorf("event %d of %v: the one before it is %d, want %d", i, who, got, want)
		}
		last[who] = i
		weight += g.at(i).record.weight()
	}
	flaps := 0
	for who, want := range last {
		flaps += g.at(want).penalty.count()
		if got := g.last(g.hash(who.NS, who.ID), who.NS, who.ID); got != want {
			return fmt.Errorf("the last event of %v is %d, want %d", who, got, want)
		}
	}
	cells := 0
	for i := range g.newest.segments {
		cells += g.newest.segments[i].used
	}
	if flaps != g.flaps {
		return fmt.Errorf("%d ids flap, counted %d", flaps, g.flaps)
	}
	if weight != g.bytes || cells != len(last) {
		return fmt.Errorf("events weigh %d, counted %d; %d ids, %d known", weight, g.bytes, len(last), cells)
	}
	return nil
}

// recount computes the digest's sum from all that is there.
func (s *State) recount() (sum uint64) {
	s.leases.each(func(_ uint32, l *lease) { sum += s.digestLease(l) + l.digestBeats() })
	for c := s.certificates.oldest; c != nil; c = c.next {
		sum += digestCertificate(c)
	}
	for _, h := range s.holds {
		sum += digestHold(h)
	}
	for i := range s.events.count {
		e := s.events.at(i)
		sum += digestEvent(e.revision, e.record)
	}
	return sum + s.mail.recount()
}
