package history

import (
	"fmt"
	"slices"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// settle narrows open operations down, without loss: one that can have no effect
// any more once a certain answer was given ends with that answer; one that began
// later is left out. Else every lost answer would be tried at every place to the
// end. A grant that is open is told the epoch that its key has.
func settle(ops []*Op) []*Op {
	return slices.DeleteFunc(ops, func(o *Op) bool {
		if o.verdict != open {
			return false
		}
		proof := o.endedBy(ops)
		if proof == nil {
			return false
		}
		if proof.ret < o.call {
			return true
		}
		if proof.ret < o.ret {
			o.ret, o.until = proof.ret, proof.until
		}
		return false
	})
}

// shadowed adds to each renewal that was answered as one too many the one that it
// may have been before: a node whose way to the leader breaks sends renewals again
// by itself, and its client is told what the last one met.
func shadowed(ops []*Op) []*Op {
	all := ops
	for _, o := range ops {
		if o.kind == renew && o.verdict == decided && (o.answer.duplicate || o.answer.code != "") {
			before := new(*o)
			before.verdict, before.answer = open, answer{}
			all = append(all, before)
		}
	}
	return all
}

// merge makes one of open operations of which only the first to come can have an
// effect. It begins with the earliest of them, and ends with the last.
func merge(ops []*Op) []*Op {
	first := make(map[string]*Op)
	return slices.DeleteFunc(ops, func(o *Op) bool {
		what := o.effect()
		if o.verdict != open || what == "" {
			return false
		}
		one, known := first[what]
		if !known {
			first[what] = o
			return false
		}
		one.ret, one.until = max(one.ret, o.ret), max(one.until, o.until)
		return true
	})
}

// effect names what an operation does, where a second time it does nothing; else
// it is "".
func (o *Op) effect() string {
	switch {
	case o.kind == renew || o.kind == leave:
		return fmt.Sprint(o.kind, o.epoch, o.seq)
	case o.kind == grant && o.terms.Key != "":
		return fmt.Sprint(o.kind, o.terms.Key)
	case o.kind == send || o.kind == ack || o.kind == nack && o.mail.attempt > 0:
		return fmt.Sprint(o.kind, o.mail.ids, o.mail.upTo, o.mail.attempt)
	}
	return ""
}

// certain returns operations without those that may never take effect and
// that nothing bounds. Where they are not needed to explain the rest, much less
// is to be tried.
func certain(ops []*Op) []*Op {
	return slices.DeleteFunc(slices.Clone(ops), func(o *Op) bool {
		return o.verdict == open && o.ret == never && o.answer.epoch == 0
	})
}

// endedBy returns the first answer after which o has no effect, or nil.
func (o *Op) endedBy(ops []*Op) (first *Op) {
	for _, p := range ops {
		if p.verdict != decided || first != nil && p.ret >= first.ret {
			continue
		}
		if o.kind.ofMail() && p.outdoesMail(o) || !o.kind.ofMail() && p.outdoes(o) {
			first = p
		}
	}
	return first
}

// outdoes says whether an answer shows that an open operation on the same lease
// has no effect any more, or had it.
func (p *Op) outdoes(o *Op) bool {
	switch o.kind {
	case grant:
		return o.terms.Key != "" && p.kind == grant && p.terms.Key == o.terms.Key && p.answer.code != wire.CodeIDTaken
	case leave:
		return p.over(o.epoch)
	case renew:
		return p.over(o.epoch) || p.beyond(o.epoch, o.seq)
	}
	return false
}

// over says whether an answer shows that an epoch has ended.
func (p *Op) over(epoch uint64) bool {
	if p.answer.epoch > epoch || p.answer.code == wire.CodeSuperseded && p.answer.current > epoch {
		return true
	}
	c := p.answer.certificate
	return c != nil && c.epoch >= epoch
}

// beyond says whether an answer shows that an epoch has got to a seq.
func (p *Op) beyond(epoch, seq uint64) bool {
	if p.kind == renew && p.answer.code == wire.CodeStaleSequence {
		return p.epoch == epoch && p.answer.current >= seq
	}
	return p.answer.epoch == epoch && p.answer.seq >= seq
}

// outdoesMail is outdoes for a mailbox.
func (p *Op) outdoesMail(o *Op) bool {
	if p.answer.code != "" {
		return false
	}
	switch o.kind {
	case send:
		return p.shows(o.mail.ids[0])
	case ack:
		return p.kind == ack && p.mail.upTo >= o.mail.upTo && !slices.ContainsFunc(o.mail.ids, p.lacks)
	case nack:
		return p.kind == nack && o.mail.attempt > 0 && p.mail.attempt == o.mail.attempt && !slices.ContainsFunc(o.mail.ids, p.lacks)
	}
	return false
}

func (p *Op) lacks(id string) bool { return !slices.Contains(p.mail.ids, id) }

// shows says whether an answer knows a message.
func (p *Op) shows(id string) bool {
	if p.kind == send || p.kind == status {
		return p.mail.ids[0] == id
	}
	return slices.ContainsFunc(p.answer.mail.messages, func(m message) bool { return m.id == id })
}

// name tells open grants the epochs that other answers to their keys told.
func name(ops []*Op) {
	epochs := make(map[string]uint64)
	for _, o := range ops {
		if o.kind == grant && o.verdict == decided && o.answer.code == "" {
			epochs[o.terms.Key] = o.answer.epoch
		}
	}
	for _, o := range ops {
		if o.kind == grant && o.verdict == open && o.terms.Key != "" {
			o.answer.epoch = epochs[o.terms.Key]
		}
	}
}
