package history

import (
	"math"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func decodeSent(_ *Op, body []byte) (answer, error) {
	return decode(body, func(s *wire.Sent) answer {
		return answer{
			duplicate: s.Duplicate, revision: s.Revision, fresh: true,
			mail: mailAnswer{offset: s.Offset, state: s.State},
		}
	})
}

func decodePage(o *Op, body []byte) (answer, error) {
	return decode(body, func(p *wire.MessagesPage) answer {
		var m mailAnswer
		m.until = math.MaxUint64
		if len(p.Messages) >= o.mail.limit {
			m.until = p.Next
		}
		for i := range p.Messages {
			got := &p.Messages[i]
			m.messages = append(m.messages, message{id: got.ID, offset: got.Offset, attempts: got.Attempts})
		}
		if p.Gap != nil {
			m.gapFrom, m.gapTo = p.Gap.From, p.Gap.To
		}
		return answer{mail: m}
	})
}

func decodeAcked(_ *Op, body []byte) (answer, error) {
	return decode(body, func(a *wire.Acked) answer {
		return answer{revision: a.Revision, fresh: true, mail: mailAnswer{done: a.Acked, pending: a.Pending}}
	})
}

func decodeNacked(_ *Op, body []byte) (answer, error) {
	return decode(body, func(n *wire.Nacked) answer {
		return answer{revision: n.Revision, fresh: true, mail: mailAnswer{done: n.Nacked, dead: n.Dead, pending: n.Pending}}
	})
}

func decodeStatus(_ *Op, body []byte) (answer, error) {
	return decode(body, func(s *wire.MessageStatus) answer {
		return answer{mail: mailAnswer{offset: s.Offset, state: s.State, attempts: s.Attempts}}
	})
}
