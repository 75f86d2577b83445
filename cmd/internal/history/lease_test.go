package history

import (
	"testing"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestLeases(t *testing.T) {
	run(t, []story{
		{"a life", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.renew(5, 1)
			s.renew(5, 4)
			s.renewed(s.Renew(0, "a", 5, 4), true)
			s.sees(5, 4)
			pass(ttl)
			s.seesGone(died(5, 4, "expired"))
			s.ended(s.Renew(0, "a", 5, 5), died(5, 4, "expired"))
			s.granted(s.ask(), 9, 0)
			s.superseded(s.Renew(0, "a", 5, 5), 9)
			s.say(s.Leave(0, "a", 9), 200, died(9, 0, "left"))
			s.say(s.Leave(0, "a", 9), 200, died(9, 0, "left"))
		}, ""},
		{"a renewal after a burial", func(s *script) {
			s.granted(s.ask(), 5, 0)
			pass(ttl)
			s.seesGone(died(5, 0, "expired"))
			s.renew(5, 1)
		}, "renew a epoch 5 seq 1"},
		{"a renewal by an old epoch", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.granted(s.ask(), 7, 5)
			s.renew(5, 1)
		}, "renew a epoch 5"},
		{"a seq that goes back", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.renew(5, 2)
			s.renew(5, 1)
		}, "seq 1"},
		{"a duplicate that is none", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.renew(5, 2)
			s.renewed(s.Renew(0, "a", 5, 1), true)
		}, "duplicate"},
		{"a renewal that a node sent twice", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.renewed(s.Renew(0, "a", 5, 1), true)
			o := s.Renew(0, "a", 5, 2)
			pass(ttl)
			s.ended(o, died(5, 2, "expired"))
		}, ""},
		{"a stale sequence that is none", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.problem(s.Renew(0, "a", 5, 1), wire.CodeStaleSequence, func(p *wire.Problem) { p.CurrentSeq = new(uint64(3)) })
		}, "stale_sequence"},
		{"an epoch that goes back", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.granted(s.ask(), 4, 5)
		}, "epoch 4"},
		{"two holders", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.granted(s.ask(), 6, 0)
		}, "epoch 6"},
		{"a lock that was taken", func(s *script) {
			s.granted(s.ask(), 5, 0)
			o := s.Grant(1, "a", Terms{TTL: ttl, IfAbsent: true})
			s.problem(o, wire.CodeIDTaken, func(p *wire.Problem) { p.Holder = &wire.Holder{Epoch: 5} })
			pass(ttl)
			s.granted(s.Grant(1, "a", Terms{TTL: ttl, IfAbsent: true}), 8, 0)
		}, ""},
		{"a lock that was taken over", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.granted(s.Grant(1, "a", Terms{TTL: ttl, IfAbsent: true}), 8, 5)
		}, "epoch 8"},
		{"superseded by nobody", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.superseded(s.Renew(0, "a", 5, 1), 9)
		}, "superseded"},
		{"a lease that nobody knows", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.problem(s.Renew(0, "a", 5, 1), wire.CodeLeaseNotFound, nil)
		}, "lease_not_found"},
		{"an eviction", func(s *script) {
			s.problem(s.Evict(1, "a"), wire.CodeLeaseNotFound, nil)
			s.granted(s.ask(), 5, 0)
			s.say(s.Evict(1, "a"), 200, died(5, 0, "evicted"))
			s.ended(s.Leave(0, "a", 5), died(5, 0, "evicted"))
			s.Certificate(2, died(5, 0, "evicted"))
		}, ""},
		{"a leave that nobody asked for", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.seesGone(died(5, 0, "left"))
		}, "left"},
	})
}

func TestExpiryIsNeverEarly(t *testing.T) {
	run(t, []story{
		{"on time", func(s *script) {
			s.granted(s.ask(), 5, 0)
			pass(ttl)
			s.ended(s.Renew(0, "a", 5, 1), died(5, 0, "expired"))
		}, ""},
		{"early", func(s *script) {
			s.granted(s.ask(), 5, 0)
			pass(ttl - 1)
			s.ended(s.Renew(0, "a", 5, 1), died(5, 0, "expired"))
		}, "expired"},
		{"early after a renewal", func(s *script) {
			s.granted(s.ask(), 5, 0)
			pass(ttl / 2)
			s.renew(5, 1)
			pass(ttl / 2)
			s.seesGone(died(5, 1, "expired"))
		}, "expired"},
		{"not extended by a duplicate", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.renew(5, 1)
			pass(ttl / 2)
			s.renewed(s.Renew(0, "a", 5, 1), true)
			pass(ttl / 2)
			s.seesGone(died(5, 1, "expired"))
		}, ""},
		{"early, as an absence in a list", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.say(s.List(1, []string{"a", "b"}), 200, wire.AlivePage{})
		}, "list"},
		{"early, as a new grant", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.granted(s.ask(), 6, 0)
		}, "grant"},
		{"early, as an event", func(s *script) {
			s.granted(s.ask(), 5, 0)
			pass(ttl - 1)
			s.Certificate(1, died(5, 0, "expired"))
		}, "event"},
		{"seen alive after an event", func(s *script) {
			s.granted(s.ask(), 5, 0)
			pass(ttl)
			s.Certificate(1, died(5, 0, "expired"))
			s.sees(5, 0)
		}, "epoch 5"},
		{"a certificate that knows less than was acknowledged", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.renew(5, 1)
			pass(ttl)
			s.seesGone(died(5, 0, "expired"))
		}, "seq 0"},
		{"what may have been renewed, later", func(s *script) {
			s.granted(s.ask(), 5, 0)
			pass(ttl / 2)
			s.Renew(0, "a", 5, 1)
			pass(ttl)
			s.ended(s.Renew(0, "a", 5, 1), died(5, 1, "expired"))
		}, ""},
		{"what may have been renewed, as if it had not", func(s *script) {
			s.granted(s.ask(), 5, 0)
			pass(ttl / 2)
			s.Renew(0, "a", 5, 1)
			pass(ttl / 2)
			s.ended(s.Renew(0, "a", 5, 1), died(5, 0, "expired"))
		}, ""},
		{"what was renewed by an open call, early", func(s *script) {
			s.granted(s.ask(), 5, 0)
			pass(ttl / 2)
			s.Renew(0, "a", 5, 1)
			pass(ttl / 2)
			s.ended(s.Renew(0, "a", 5, 1), died(5, 1, "expired"))
		}, "seq 1"},
	})
}

func TestKeys(t *testing.T) {
	keyed := Terms{Key: "k", TTL: ttl}
	run(t, []story{
		{"the same again", func(s *script) {
			s.granted(s.Grant(0, "a", keyed), 5, 0)
			s.renew(5, 1)
			s.say(s.Grant(0, "a", keyed), 200, wire.Grant{ID: "a", Epoch: 5, Seq: 1, Revision: 5})
			s.granted(s.ask(), 8, 5)
			s.superseded(s.Grant(0, "a", keyed), 8)
			pass(ttl)
			s.ended(s.Grant(0, "a", keyed), died(5, 1, "replaced"))
		}, ""},
		{"another epoch", func(s *script) {
			s.granted(s.Grant(0, "a", keyed), 5, 0)
			s.granted(s.Grant(0, "a", keyed), 6, 5)
		}, "is now 6, and was 5"},
		{"a lost answer", func(s *script) {
			s.granted(s.ask(), 3, 0)
			s.Grant(0, "a", keyed)
			s.sees(5, 0)
			s.say(s.Grant(0, "a", keyed), 200, wire.Grant{ID: "a", Epoch: 5, Revision: 5, ReplacedEpoch: 3})
		}, ""},
		{"a lost answer, seen and gone again", func(s *script) {
			s.granted(s.ask(), 3, 0)
			s.Grant(0, "a", keyed)
			s.sees(5, 0)
			s.sees(3, 0)
		}, "epoch 3"},
		{"extended by its key", func(s *script) {
			s.granted(s.Grant(0, "a", keyed), 5, 0)
			pass(ttl / 2)
			s.say(s.Grant(0, "a", keyed), 200, wire.Grant{ID: "a", Epoch: 5, Revision: 5})
			pass(ttl / 2)
			s.seesGone(died(5, 0, "expired"))
		}, ""},
	})
}

func TestReadsAreFresh(t *testing.T) {
	run(t, []story{
		{"concurrent", func(s *script) {
			s.granted(s.ask(), 5, 0)
			o := s.Renew(0, "a", 5, 1)
			s.sees(5, 0)
			s.sees(5, 1)
			s.renewed(o, false)
		}, ""},
		{"back and forth", func(s *script) {
			s.granted(s.ask(), 5, 0)
			o := s.Renew(0, "a", 5, 1)
			s.sees(5, 1)
			s.sees(5, 0)
			s.renewed(o, false)
		}, "get a"},
		{"stale", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.renew(5, 1)
			s.sees(5, 0)
		}, "get a"},
		{"a stale list", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.renew(5, 1)
			s.say(s.List(1, []string{"a"}), 200, wire.AlivePage{Alive: []wire.Lease{{ID: "a", Epoch: 5}}})
		}, "list a"},
		{"a renewal that nobody sent", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.sees(5, 1)
		}, "get a"},
		{"without an answer", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.Get(1, "a")
			s.problem(s.Get(1, "a"), wire.CodeNoLeader, nil)
			s.Get(1, "a").Drop()
		}, ""},
		{"a revision that goes back", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.renew(5, 1)
			s.send("m1", 1)
		}, "was answered revision 1"},
		{"what was refused", func(s *script) {
			s.granted(s.ask(), 5, 0)
			s.problem(s.Renew(0, "a", 5, 2_000_000), wire.CodeInvalidRequest, nil)
			s.problem(s.Leave(0, "a", 5), wire.CodeOverloaded, nil)
			s.sees(5, 0)
		}, ""},
	})
}
