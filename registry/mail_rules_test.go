package registry

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"
)

func messageID(n int) (id MessageID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

func messageIDs(numbers ...int) []MessageID {
	var ids []MessageID
	for _, n := range numbers {
		ids = append(ids, messageID(n))
	}
	return ids
}

// post sends message n of 10 bytes to the mailbox "m", for an hour.
func post(n int) *Send {
	return &Send{NS: "ns", ID: "m", Message: messageID(n), TTL: 3_600_000, Body: Body{From: "x", Data: []byte("0123456789")}}
}

// send applies a Send that must be taken.
func (b *bench) send(c *Send) Message {
	b.t.Helper()
	r, _ := b.do(c)
	if r.Code != OK {
		b.t.Fatalf("send: code %d", r.Code)
	}
	return r.Mail.Message
}

// sends posts messages 1 to n.
func (b *bench) sends(n int) {
	b.t.Helper()
	for i := range n {
		b.send(post(i + 1))
	}
}

func (b *bench) limits(l MailLimits) {
	b.t.Helper()
	b.do(&Serve{Term: b.at.Term, ClusterID: "c", Retention: Retention{Mail: l}})
}

// nack nacks messages and requires that it had an effect on some of them.
func (b *bench) nack(numbers ...int) MailResult {
	b.t.Helper()
	r, _ := b.do(&Nack{NS: "ns", ID: "m", Messages: messageIDs(numbers...), Reason: "busy"})
	if r.Code != OK {
		b.t.Fatalf("nack: code %d", r.Code)
	}
	return *r.Mail
}

func (b *bench) ack(numbers ...int) {
	b.t.Helper()
	if r, _ := b.do(&Ack{NS: "ns", ID: "m", Messages: messageIDs(numbers...)}); r.Code != OK {
		b.t.Fatalf("ack: code %d", r.Code)
	}
}

func (b *bench) state(n int) string {
	m, ok := b.r.Message("ns", "m", messageID(n))
	if !ok {
		return "unknown"
	}
	return m.State.String()
}

// offsets reads up to ten messages after an offset, at the cluster time.
func (b *bench) offsets(after uint64) []uint64 {
	var list []uint64
	for _, m := range b.r.Messages("ns", "m", after, 10, b.r.clusterMS).Messages {
		list = append(list, m.Offset)
	}
	return list
}

func (b *bench) reads(after uint64, want ...uint64) {
	b.t.Helper()
	if got := b.offsets(after); !slices.Equal(got, want) {
		b.t.Errorf("offsets after %d: %v, want %v", after, got, want)
	}
}

func TestSend(t *testing.T) {
	b := newBench(t)
	out := b.entry(post(1), post(2))
	for i, r := range out.Results {
		want := Message{ID: messageID(i + 1), Offset: uint64(i) + 1, State: MessagePending, Size: 10, Key: newBodyKey(1, uint64(i)+1)}
		if r.Code != OK || r.Revision != uint64(i)+1 || r.Mail.Message != want || r.Mail.Pending != i+1 {
			t.Errorf("send %d: %+v, %+v", i+1, r, r.Mail)
		}
	}
	if !slices.Equal(out.Mail, []Identity{{"ns", "m"}}) || len(out.Events) != 0 || out.Revision != 2 {
		t.Errorf("outcome %+v", out)
	}
	box := b.r.Mailbox("ns", "m", b.r.clusterMS+5)
	if box.Pending != 2 || box.Bytes != 20 || box.Last != 2 || box.Revision != 2 || box.OldestAgeMS != 5 || box.Oldest.Offset != 1 {
		t.Errorf("mailbox %+v", box)
	}
	b.check()
}

func TestSendAgainHasOneEffect(t *testing.T) {
	for _, tt := range []struct {
		name  string
		then  Command
		state MessageState
	}{
		{"while it waits", &Check{}, MessagePending},
		{"acknowledged", &Ack{NS: "ns", ID: "m", UpTo: 1}, MessageAcked},
		{"a dead letter", &Nack{NS: "ns", ID: "m", Messages: messageIDs(1)}, MessageDead},
		{"expired", nil, MessageExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.limits(MailLimits{MaxAttempts: 1})
			b.send(post(1))
			if tt.then != nil {
				b.do(tt.then)
			} else {
				b.pass(2 * time.Hour)
			}
			before := b.r.Revision()
			out := b.entry(post(1))
			r := out.Results[0]
			if r.Code != Duplicate || r.Mail.Message.Offset != 1 || r.Mail.Message.State != tt.state || r.Revision != before || out.Mail != nil {
				t.Errorf("again: %+v, %+v", r, r.Mail)
			}
			b.check()
		})
	}
}

// pass lets cluster time pass, and commits an entry of nothing.
func (b *bench) pass(d time.Duration) Outcome {
	b.t.Helper()
	b.r.clusterMS += uint64(d / time.Millisecond)
	return b.entry()
}

func TestMailboxesAreBounded(t *testing.T) {
	large := post(9)
	large.Body.Data = []byte(strings.Repeat("x", 31))
	other := post(9)
	other.ID = "other"
	for _, tt := range []struct {
		name   string
		limits MailLimits
		send   *Send
		want   Code
	}{
		{"room", MailLimits{}, post(9), OK},
		{"as many messages as may wait", MailLimits{Messages: 3}, post(9), MailboxFull},
		{"in another mailbox", MailLimits{Messages: 3}, other, OK},
		{"one more byte than may wait", MailLimits{Bytes: 39}, post(9), MailboxFull},
		{"the last byte that may wait", MailLimits{Bytes: 40}, post(9), OK},
		{"larger than any mailbox", MailLimits{Bytes: 30}, large, MailboxFull},
		{"more than all may hold", MailLimits{TotalBytes: 4*(10+messageOverhead) - 1}, other, MailboxFull},
		{"what all may hold", MailLimits{TotalBytes: 4 * (10 + messageOverhead)}, other, OK},
		{"again, though it is full", MailLimits{Messages: 3}, post(1), Duplicate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.sends(3)
			b.limits(tt.limits)
			before := b.r.Revision()
			r, _ := b.do(tt.send)
			if r.Code != tt.want || (r.Revision == before) != (tt.want != OK) {
				t.Errorf("code %d, revision %d after %d", r.Code, r.Revision, before)
			}
			b.check()
		})
	}
}

func TestAck(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ack   Ack
		code  Code
		acked int
		left  []uint64
	}{
		{"up to an offset", Ack{UpTo: 2}, OK, 2, []uint64{3, 4}},
		{"all", Ack{UpTo: 4}, OK, 4, nil},
		{"beyond the end", Ack{UpTo: 5}, BeyondEnd, 0, []uint64{1, 2, 3, 4}},
		{"nothing", Ack{}, OK, 0, []uint64{1, 2, 3, 4}},
		{"by id, in any order, twice", Ack{Messages: messageIDs(4, 2, 4)}, OK, 2, []uint64{1, 3}},
		{"an id that is not known beside one that is", Ack{Messages: messageIDs(77, 1)}, OK, 1, []uint64{2, 3, 4}},
		{"no id that is known", Ack{Messages: messageIDs(77)}, NoMessage, 0, []uint64{1, 2, 3, 4}},
		{"both", Ack{UpTo: 1, Messages: messageIDs(1, 3)}, OK, 2, []uint64{2, 4}},
		{"another mailbox", Ack{ID: "other", Messages: messageIDs(1)}, NoMessage, 0, []uint64{1, 2, 3, 4}},
		{"beyond the end of a mailbox never used", Ack{ID: "other", UpTo: 1}, BeyondEnd, 0, []uint64{1, 2, 3, 4}},
		{"nothing of a mailbox never used", Ack{ID: "other"}, OK, 0, []uint64{1, 2, 3, 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.sends(4)
			tt.ack.NS = "ns"
			if tt.ack.ID == "" {
				tt.ack.ID = "m"
			}
			r, _ := b.do(&tt.ack)
			if r.Code != tt.code || tt.code == OK && (r.Mail.Acked != tt.acked || tt.ack.ID == "m" && r.Mail.Pending != len(tt.left)) {
				t.Errorf("result %+v, %+v", r, r.Mail)
			}
			b.reads(0, tt.left...)
			again, _ := b.do(&tt.ack)
			if again.Code != tt.code || tt.code == OK && again.Mail.Acked != 0 || again.Revision != b.r.Revision() || r.Revision != again.Revision {
				t.Errorf("again: %+v", again)
			}
			b.check()
		})
	}
}

func TestOnlyTheHolderAcksWithAnEpoch(t *testing.T) {
	b := newBench(t)
	old := b.grant("m")
	live := b.grant("m")
	b.sends(2)
	other := b.grant("other")
	for _, tt := range []struct {
		name  string
		epoch uint64
		want  Code
	}{
		{"an old epoch", old, Superseded},
		{"another id's", other, NotFound},
		{"one never given", 999, NotFound},
		{"the holder's", live, OK},
	} {
		before := b.r.Revision()
		nack, _ := b.do(&Nack{NS: "ns", ID: "m", Epoch: tt.epoch, Messages: messageIDs(1)})
		ack, _ := b.do(&Ack{NS: "ns", ID: "m", Epoch: tt.epoch, UpTo: 1})
		if nack.Code != tt.want || ack.Code != tt.want || (b.r.Revision() == before) != (tt.want != OK) {
			t.Errorf("%s: nack %d, ack %d", tt.name, nack.Code, ack.Code)
		}
	}
	b.do(&Leave{"ns", "m", live})
	if r, _ := b.do(&Ack{NS: "ns", ID: "m", Epoch: live, UpTo: 2}); r.Code != Ended || r.Certificate.Epoch != live {
		t.Errorf("after it left: %+v", r)
	}
	b.reads(0, 2)
}

func TestNackComesAgainLater(t *testing.T) {
	b := newBench(t)
	b.limits(MailLimits{MaxAttempts: 100})
	b.sends(3)
	for i, want := range []uint64{200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000} {
		out := b.entry(&Nack{NS: "ns", ID: "m", Messages: messageIDs(2), Attempt: uint32(i) + 1})
		if r := out.Results[0]; r.Code != OK || r.Mail.Nacked != 1 || r.Mail.Dead != 0 || r.Mail.Pending != 3 || len(out.Mail) != 1 {
			t.Fatalf("nack %d: %+v, %+v", i+1, r, r.Mail)
		}
		early := b.r.Messages("ns", "m", 3, 10, b.r.clusterMS)
		again := b.r.Messages("ns", "m", 3, 10, b.r.clusterMS+want)
		if len(early.Messages) != 0 || early.DueMS != want || early.Next != 3 {
			t.Errorf("right after nack %d: %+v", i+1, early)
		}
		if len(again.Messages) != 1 || again.Messages[0].Attempts != uint32(i)+1 || again.DueMS != 0 || again.Next != 3 {
			t.Errorf("%d ms after nack %d: %+v", want, i+1, again)
		}
	}
	b.reads(0, 1, 3)
	b.pass(time.Minute)
	b.reads(0, 1, 2, 3)
	b.reads(2, 2, 3)
	b.check()
}

func TestNackWithoutEffect(t *testing.T) {
	for _, tt := range []struct {
		name string
		nack Nack
		want Code
	}{
		{"an attempt already counted", Nack{Messages: messageIDs(1), Attempt: 1}, OK},
		{"an attempt to come", Nack{Messages: messageIDs(1), Attempt: 3}, OK},
		{"acknowledged", Nack{Messages: messageIDs(2)}, OK},
		{"not known", Nack{Messages: messageIDs(77)}, NoMessage},
		{"nothing", Nack{}, OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.sends(3)
			b.nack(1)
			b.ack(2)
			before := b.r.Revision()
			tt.nack.NS, tt.nack.ID = "ns", "m"
			out := b.entry(&tt.nack)
			if r := out.Results[0]; r.Code != tt.want || r.Revision != before || r.Mail != nil && r.Mail.Nacked != 0 || out.Mail != nil {
				t.Errorf("result %+v, %+v", r, r.Mail)
			}
			b.check()
		})
	}
}

func TestDeadLetters(t *testing.T) {
	b := newBench(t)
	b.sends(3)
	for range 4 {
		b.nack(2)
	}
	if r := b.nack(2, 3); r.Dead != 1 || r.Nacked != 2 || r.Pending != 2 {
		t.Errorf("the fifth nack: %+v", r)
	}
	dead := b.r.DeadLetters("ns", "m", 0, 10)
	if len(dead) != 1 || dead[0].ID != messageID(2) || dead[0].Attempts != 5 || b.state(2) != "dead" {
		t.Errorf("dead letters %+v", dead)
	}
	if box := b.r.Mailbox("ns", "m", 0); box.Dead != 1 || box.DeadBytes != 10 || box.Bytes != 20 {
		t.Errorf("mailbox %+v", box)
	}
	b.ack(2)
	if b.state(2) != "dead" {
		t.Error("an ack ended a dead letter")
	}
	out := b.entry(&Requeue{"ns", "m", messageID(2)})
	m := out.Results[0].Mail.Message
	if m.Offset != 4 || m.Attempts != 0 || m.State != MessagePending || m.Key != dead[0].Key || len(out.Mail) != 1 {
		t.Errorf("queued again: %+v", out.Results[0].Mail)
	}
	if r, _ := b.do(&Requeue{"ns", "m", messageID(2)}); r.Code != NoMessage {
		t.Errorf("again: %+v", r)
	}
	page := b.r.Messages("ns", "m", 1, 10, b.r.clusterMS+1000)
	if len(page.Messages) != 2 || page.Next != 4 || page.Gap != nil {
		t.Errorf("page %+v", page)
	}
	b.check()
}

func TestRequeueIsRefused(t *testing.T) {
	b := newBench(t)
	b.limits(MailLimits{MaxAttempts: 1, Messages: 2})
	b.sends(2)
	b.nack(1)
	b.send(post(3))
	b.ack(2)
	for _, tt := range []struct {
		name    string
		id      string
		message int
		want    Code
	}{
		{"pending", "m", 3, NoMessage},
		{"acknowledged", "m", 2, NoMessage},
		{"not known", "m", 77, NoMessage},
		{"in a mailbox never used", "other", 1, NoMessage},
		{"dead", "m", 1, OK},
	} {
		if r, _ := b.do(&Requeue{"ns", tt.id, messageID(tt.message)}); r.Code != tt.want {
			t.Errorf("%s: code %d", tt.name, r.Code)
		}
	}
	b.nack(1)
	b.send(post(4))
	if r, _ := b.do(&Requeue{"ns", "m", messageID(1)}); r.Code != MailboxFull || b.state(1) != "dead" {
		t.Errorf("into a full mailbox: %+v", r)
	}
	b.check()
}

func TestPendingIsTold(t *testing.T) {
	b := newBench(t)
	b.sends(2)
	first, _ := b.do(&Grant{NS: "ns", ID: "m", TTL: 1000, Key: "k"})
	again, _ := b.do(&Grant{NS: "ns", ID: "m", TTL: 1000, Key: "k"})
	if first.Pending != 2 || again.Pending != 2 || again.Code != Duplicate {
		t.Errorf("granted with %d, again with %d", first.Pending, again.Pending)
	}
	epoch := first.Lease.Epoch
	b.send(post(3))
	b.ack(1)
	for seq, want := range map[uint64]Code{0: StaleSequence, 1: OK} {
		if got := b.beat(epoch, seq); got.Code != want || got.Pending != 2 {
			t.Errorf("beat %d: %+v", seq, got)
		}
	}
	if r, _ := b.do(&RenewNamed{"ns", "m", epoch, 1}); r.Beats[0].Pending != 2 || r.Code != Duplicate {
		t.Errorf("named: %+v", r.Beats)
	}
	other := b.grant("other")
	if got := b.beat(other, 1); got.Pending != 0 {
		t.Errorf("another id's: %+v", got)
	}
}
