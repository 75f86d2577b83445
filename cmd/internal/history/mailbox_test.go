package history

import (
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestMailboxes(t *testing.T) {
	run(t, []story{
		{"a day", func(s *script) {
			s.send("m1", 1)
			s.send("m2", 2)
			s.reads(0, nil, letter("m1", 1, 0), letter("m2", 2, 0))
			s.nacked(wire.Nack{IDs: []string{"m1"}, Attempt: 1}, 1, 0, 2)
			s.nacked(wire.Nack{IDs: []string{"m1"}, Attempt: 1}, 0, 0, 2)
			s.reads(0, nil, letter("m2", 2, 0))
			s.reads(2, nil, letter("m1", 1, 1))
			s.acked(wire.Ack{UpTo: 2}, 2, 0)
			s.reads(0, nil)
			s.say(s.Send(0, "box", "m1", 0), 200, wire.Sent{ID: "m1", Offset: 1, Duplicate: true, State: "acked", Revision: 60})
			s.say(s.Status(0, "box", "m2"), 200, wire.MessageStatus{ID: "m2", Offset: 2, State: "acked"})
		}, ""},
		{"lost", func(s *script) {
			s.send("m1", 1)
			s.reads(0, nil)
		}, "read box"},
		{"from nobody", func(s *script) {
			s.reads(0, nil, letter("m1", 1, 0))
		}, "read box"},
		{"twice", func(s *script) {
			s.send("m1", 1)
			s.reads(0, nil, letter("m1", 1, 0), letter("m1", 2, 0))
		}, "is now 2, and was 1"},
		{"a second effect", func(s *script) {
			s.send("m1", 1)
			s.send("m1", 1)
		}, "send box"},
		{"out of order", func(s *script) {
			s.send("m1", 2)
			s.send("m2", 1)
		}, "send box"},
		{"one offset for two", func(s *script) {
			s.send("m1", 1)
			s.acked(wire.Ack{UpTo: 1}, 1, 0)
			s.send("m2", 1)
		}, "send box"},
		{"back after an ack", func(s *script) {
			s.send("m1", 1)
			s.acked(wire.Ack{IDs: []string{"m1"}}, 1, 0)
			s.reads(0, nil, letter("m1", 1, 0))
		}, "read box"},
		{"an ack that was forgotten", func(s *script) {
			s.send("m1", 1)
			s.acked(wire.Ack{IDs: []string{"m1"}}, 1, 0)
			s.acked(wire.Ack{IDs: []string{"m1"}}, 1, 0)
		}, "ack box"},
		{"a wrong count", func(s *script) {
			s.send("m1", 1)
			s.send("m2", 2)
			s.acked(wire.Ack{IDs: []string{"m1"}}, 1, 0)
		}, "ack box"},
		{"a message that nobody knows", func(s *script) {
			s.problem(s.Ack(0, "box", wire.Ack{IDs: []string{"m9"}}), wire.CodeMessageNotFound, nil)
			s.send("m1", 1)
			s.problem(s.Status(0, "box", "m1"), wire.CodeMessageNotFound, nil)
		}, "status box"},
		{"two readers that differ", func(s *script) {
			a, b := s.Send(0, "box", "m1", 0), s.Send(1, "box", "m2", 0)
			s.reads(0, nil, letter("m1", 1, 0))
			s.reads(0, nil, letter("m2", 2, 0))
			s.say(a, 201, wire.Sent{Offset: 1, State: "pending"})
			s.say(b, 201, wire.Sent{Offset: 2, State: "pending"})
		}, "read box"},
		{"a nack too many", func(s *script) {
			s.send("m1", 1)
			for range 4 {
				s.nacked(wire.Nack{IDs: []string{"m1"}}, 1, 0, 1)
			}
			s.nacked(wire.Nack{IDs: []string{"m1"}}, 1, 1, 0)
			s.say(s.Status(0, "box", "m1"), 200, wire.MessageStatus{Offset: 1, State: "dead"})
		}, ""},
		{"dead too soon", func(s *script) {
			s.send("m1", 1)
			s.nacked(wire.Nack{IDs: []string{"m1"}}, 1, 1, 0)
		}, "nack box"},
		{"pages", func(s *script) {
			s.send("m1", 1)
			s.send("m2", 2)
			s.say(s.Read(0, "box", 0, 1), 200, wire.MessagesPage{Messages: []wire.Message{letter("m1", 1, 0)}, Next: 1})
			s.reads(1, nil, letter("m2", 2, 0))
		}, ""},
	})
}

func TestMailOfUnknownFate(t *testing.T) {
	run(t, []story{
		{"sent again", func(s *script) {
			s.Send(0, "box", "m1", 0)
			s.say(s.Send(0, "box", "m1", 0), 200, wire.Sent{Offset: 1, Duplicate: true, State: "pending"})
			s.reads(0, nil, letter("m1", 1, 0))
		}, ""},
		{"sent again, and both have one effect", func(s *script) {
			s.Send(0, "box", "m1", 0)
			s.send("m1", 1)
			s.acked(wire.Ack{UpTo: 1}, 1, 0)
			s.reads(0, nil, letter("m1", 1, 0))
		}, "read box"},
		{"an ack", func(s *script) {
			s.send("m1", 1)
			s.Ack(0, "box", wire.Ack{IDs: []string{"m1"}})
			s.reads(0, nil, letter("m1", 1, 0))
			s.reads(0, nil)
		}, ""},
		{"an ack that came and went", func(s *script) {
			s.send("m1", 1)
			s.Ack(0, "box", wire.Ack{IDs: []string{"m1"}})
			s.reads(0, nil)
			s.reads(0, nil, letter("m1", 1, 0))
		}, "read box"},
		{"a message that nobody saw is counted", func(s *script) {
			s.Send(0, "box", "m0", 0)
			s.send("m1", 2)
			s.acked(wire.Ack{IDs: []string{"m1"}}, 1, 1)
		}, ""},
		{"a message that nobody sent is counted", func(s *script) {
			s.send("m1", 2)
			s.acked(wire.Ack{IDs: []string{"m1"}}, 1, 1)
		}, "ack box"},
	})
}

func TestMailExpires(t *testing.T) {
	brief := func(s *script) {
		s.say(s.Send(0, "box", "m1", time.Second), 201, wire.Sent{Offset: 1, State: "pending"})
	}
	gap := &wire.Gap{From: 1, To: 1, Cause: "expired"}
	run(t, []story{
		{"on time, with a gap", func(s *script) {
			brief(s)
			pass(time.Second)
			s.reads(0, gap)
			s.say(s.Send(0, "box", "m1", time.Second), 200, wire.Sent{Offset: 1, Duplicate: true, State: "expired"})
		}, ""},
		{"early", func(s *script) {
			brief(s)
			pass(time.Second - 1)
			s.reads(0, gap)
		}, "read box"},
		{"without a gap", func(s *script) {
			brief(s)
			pass(time.Second)
			s.reads(0, nil)
		}, "read box"},
		{"and comes back", func(s *script) {
			brief(s)
			pass(time.Second)
			s.reads(0, gap)
			s.reads(0, nil, letter("m1", 1, 0))
		}, "read box"},
	})
}
