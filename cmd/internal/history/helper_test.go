package history

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const ttl = 10 * time.Second

// script is a history in the making: what clients asked and were told.
type script struct {
	*Recorder
	t *testing.T
}

func (s *script) say(o *Op, code int, body any) {
	s.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	o.Answer(code, b)
}

func (s *script) problem(o *Op, code wire.Code, change func(*wire.Problem)) {
	s.t.Helper()
	p := wire.NewProblem(code, "")
	if change != nil {
		change(p)
	}
	s.say(o, p.Status, p)
}

func (s *script) ask() *Op { return s.Grant(0, "a", Terms{TTL: ttl}) }

func (s *script) granted(o *Op, epoch, replaced uint64) {
	s.t.Helper()
	code := 201
	if replaced > 0 {
		code = 200
	}
	s.say(o, code, wire.Grant{ID: "a", Epoch: epoch, Revision: epoch, ReplacedEpoch: replaced})
}

func (s *script) renewed(o *Op, duplicate bool) {
	s.t.Helper()
	s.say(o, 200, wire.Renewed{Epoch: o.epoch, Seq: o.seq, Duplicate: duplicate, Revision: o.epoch})
}

func (s *script) renew(epoch, seq uint64) {
	s.t.Helper()
	s.renewed(s.Renew(0, "a", epoch, seq), false)
}

func died(epoch, seq uint64, cause string) *wire.Certificate {
	return &wire.Certificate{ID: "a", Epoch: epoch, LastSeq: seq, Cause: cause, Revision: epoch + 1}
}

func (s *script) ended(o *Op, c *wire.Certificate) {
	s.t.Helper()
	s.problem(o, wire.CodeLeaseEnded, func(p *wire.Problem) { p.Certificate = c })
}

func (s *script) superseded(o *Op, by uint64) {
	s.t.Helper()
	s.problem(o, wire.CodeSuperseded, func(p *wire.Problem) { p.CurrentEpoch = by })
}

func (s *script) sees(epoch, seq uint64) {
	s.t.Helper()
	s.say(s.Get(1, "a"), 200, wire.Lease{ID: "a", Epoch: epoch, Seq: seq})
}

func (s *script) seesGone(c *wire.Certificate) {
	s.t.Helper()
	s.say(s.Get(1, "a"), 200, wire.Gone{ID: "a", Epoch: c.Epoch, Certificate: c})
}

func (s *script) send(id string, offset uint64) {
	s.t.Helper()
	s.say(s.Send(0, "box", id, 0), 201, wire.Sent{ID: id, Offset: offset, State: "pending", Revision: offset})
}

// reads says that a page showed these messages.
func (s *script) reads(after uint64, gap *wire.Gap, messages ...wire.Message) {
	s.t.Helper()
	s.say(s.Read(1, "box", after, 0), 200, wire.MessagesPage{Messages: messages, Gap: gap})
}

func letter(id string, offset uint64, attempts uint32) wire.Message {
	return wire.Message{ID: id, Offset: offset, Attempts: attempts}
}

func (s *script) acked(a wire.Ack, done, left int) {
	s.t.Helper()
	s.say(s.Ack(0, "box", a), 200, wire.Acked{Acked: done, Pending: left, Revision: 50})
}

func (s *script) nacked(n wire.Nack, done, died, left int) {
	s.t.Helper()
	s.say(s.Nack(0, "box", n), 200, wire.Nacked{Nacked: done, Dead: died, Pending: left, Revision: 50})
}

// pass lets virtual time go on.
func pass(d time.Duration) { <-time.After(d) }

// story is a history with a name. What may not be says why not in the error.
type story struct {
	name  string
	tell  func(s *script)
	wrong string // in the error; "" for what may be
}

func run(t *testing.T, stories []story) {
	t.Helper()
	for _, c := range stories {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{New(), t}
				c.tell(s)
				err := s.Check(t.TempDir(), time.Minute)
				switch {
				case c.wrong == "" && err != nil:
					t.Errorf("refused: %v", err)
				case c.wrong != "" && (!errors.Is(err, ErrViolation) || !strings.Contains(err.Error(), c.wrong)):
					t.Errorf("got %v, want a violation with %q", err, c.wrong)
				}
			})
		})
	}
}
