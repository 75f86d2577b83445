package loadgen

import (
	"context"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// mailSender sends over one connection. It belongs to one goroutine; only the
// tally's counters are read by others.
type mailSender struct {
	run       *mailRun
	ctx       context.Context // of the run
	conn      *conn
	tally     *tally
	unsettled int64
	body      []byte
}

// send sends messages until there are no more, or the run is called off.
func (s *mailSender) send() {
	defer s.conn.close()
	for s.ctx.Err() == nil {
		box, ok := s.run.ticket()
		if !ok {
			return
		}
		s.sendOne(box)
	}
}

// sendOne tries one message until it is kept. The same id again takes effect
// once, so that what was not answered can be tried again.
func (s *mailSender) sendOne(box *postbox) {
	start := time.Now()
	n := box.next(start)
	s.body = box.appendMessage(s.body[:0], box.number, n)
	path := box.path("/messages", s.run.cfg.query(""))
	var sent wire.Sent
	for pause := time.Duration(0); ; pause = backOff(s.ctx, pause) {
		tried := time.Now()
		err := s.conn.ask("POST", path, s.body, &sent)
		if err == nil {
			box.acknowledged(n)
			s.tally.acknowledged(1, time.Since(tried))
			return
		}
		s.tally.refused(codeOf(s.ctx, err), 1)
		if s.givenUp(start, err) {
			s.unsettled++
			return
		}
	}
}

// givenUp says that a message that was begun at start is not worth another try
// after that failure. A refusal for good ends the whole run.
func (s *mailSender) givenUp(start time.Time, err error) bool {
	if final(err) {
		s.run.stop(err)
	}
	return s.ctx.Err() != nil || time.Since(start) > s.run.cfg.Patience
}

// path is that of something of the mailbox.
func (p *postbox) path(rest, query string) string {
	return wire.PathMailboxes + "/" + p.id + rest + query
}
