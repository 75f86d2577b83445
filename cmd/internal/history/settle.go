package history

import (
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
		o.ret, o.until = proof.ret, proof.until
		return false
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
