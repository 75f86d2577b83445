package history

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Answer ends an operation with a whole answer: its status and its JSON body.
func (o *Op) Answer(code int, body []byte) {
	switch {
	case code/100 == 2:
		o.done(code, body)
	case code == http.StatusTooManyRequests:
		o.Drop()
	case code/100 == 4:
		o.refused(code, body)
	case o.kind.reads():
		o.Drop()
	}
}

// Drop ends an operation that surely had no effect: its request never left, or
// it only read.
func (o *Op) Drop() { o.recorder.end(o, answer{}, void, nil) }

func (o *Op) done(code int, body []byte) {
	a, err := decoders[o.kind](o, body)
	if err != nil {
		o.recorder.end(o, answer{}, void, fmt.Errorf("%v was answered %d %.200s: %w", o, code, body, err))
		return
	}
	a.created = code == http.StatusCreated
	o.recorder.end(o, a, decided, nil)
}

// refused takes in a problem: what it tells of the state, or nothing.
func (o *Op) refused(code int, body []byte) {
	var p wire.Problem
	if err := json.Unmarshal(body, &p); err != nil {
		o.recorder.end(o, answer{}, void, fmt.Errorf("%v was answered %d %.200s: %w", o, code, body, err))
		return
	}
	a := answer{code: p.Code, current: p.CurrentEpoch, certificate: short(p.Certificate)}
	if p.CurrentSeq != nil {
		a.current = *p.CurrentSeq
	}
	if p.Holder != nil {
		a.current = p.Holder.Epoch
	}
	v := decided
	if !o.kind.understands(p.Code) {
		v = void
	}
	o.recorder.end(o, a, v, nil)
}

// understands says whether a problem of that code tells of the state. An ack
// that was fenced off speaks of a lease, not of the mailbox.
func (k kind) understands(c wire.Code) bool {
	switch c {
	case wire.CodeLeaseEnded, wire.CodeSuperseded, wire.CodeLeaseNotFound, wire.CodeStaleSequence, wire.CodeIDTaken:
		return !k.ofMail()
	case wire.CodeMessageNotFound:
		return k.ofMail()
	}
	return false
}

var decoders = map[kind]func(*Op, []byte) (answer, error){
	grant: decodeGrant, renew: decodeRenewed, leave: decodeEnded, evict: decodeEnded, get: decodeLease, list: decodeList,
	send: decodeSent, read: decodePage, ack: decodeAcked, nack: decodeNacked, status: decodeStatus,
}

func decode[T any](body []byte, f func(*T) answer) (answer, error) {
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		return answer{}, err
	}
	return f(&v), nil
}

// A grant with a key may answer with a revision of long ago, an ending, too.
func decodeGrant(o *Op, body []byte) (answer, error) {
	return decode(body, func(g *wire.Grant) answer {
		return answer{
			holding: holding{g.Epoch, g.Seq}, replaced: g.ReplacedEpoch, revision: g.Revision, fresh: o.terms.Key == "",
		}
	})
}

func decodeRenewed(_ *Op, body []byte) (answer, error) {
	return decode(body, func(w *wire.Renewed) answer {
		return answer{holding: holding{w.Epoch, w.Seq}, duplicate: w.Duplicate, revision: w.Revision, fresh: true}
	})
}

func decodeEnded(_ *Op, body []byte) (answer, error) {
	return decode(body, func(c *wire.Certificate) answer {
		return answer{certificate: short(c), revision: c.Revision}
	})
}

func decodeLease(_ *Op, body []byte) (answer, error) {
	return decode(body, func(l *wire.Lease) answer {
		if l.Certificate != nil {
			return answer{certificate: short(l.Certificate)}
		}
		return answer{holding: holding{l.Epoch, l.Seq}}
	})
}

func decodeList(_ *Op, body []byte) (answer, error) {
	return decode(body, func(p *wire.AlivePage) answer {
		a := answer{revision: p.Revision, fresh: true, listed: make(map[string]holding, len(p.Alive))}
		for i := range p.Alive {
			a.listed[p.Alive[i].ID] = holding{p.Alive[i].Epoch, p.Alive[i].Seq}
		}
		return a
	})
}

// short returns what the model knows of a certificate, or nil.
func short(c *wire.Certificate) *certificate {
	if c == nil {
		return nil
	}
	return &certificate{epoch: c.Epoch, seq: c.LastSeq, revision: c.Revision, cause: c.Cause}
}
