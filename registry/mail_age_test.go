package registry

import (
	"reflect"
	"testing"
	"time"
)

func TestMessagesExpire(t *testing.T) {
	b := newBench(t)
	b.sends(3)
	short := post(4)
	short.TTL = 10_000
	b.send(short)
	b.send(post(5))
	before := b.r.Revision()
	b.pass(8 * time.Second) // and a second for the send after it, and for this entry
	if b.state(4) != "expired" || b.r.Revision() != before+1 {
		t.Errorf("it is %s at revision %d", b.state(4), b.r.Revision())
	}
	page := b.r.Messages("ns", "m", 0, 10, 0)
	if len(page.Messages) != 4 || page.Next != 5 || !reflect.DeepEqual(page.Gap, &Gap{4, 4}) {
		t.Errorf("page %+v, gap %v", page, page.Gap)
	}
	b.ack(1)
	b.pass(time.Hour)
	if b.r.Revision() != before+5 || b.state(5) != "expired" || b.state(1) != "acked" {
		t.Errorf("after an hour: revision %d", b.r.Revision())
	}
	b.check()
}

func TestGapIsSeenUpToWhatWasRead(t *testing.T) {
	b := newBench(t)
	for n := range 8 {
		c := post(n + 1)
		if n%3 == 1 { // 2, 5, 8
			c.TTL = 1000
		}
		b.send(c)
	}
	b.pass(time.Minute)
	for _, tt := range []struct {
		after uint64
		limit int
		want  *Gap
	}{
		{0, 100, &Gap{2, 8}},
		{2, 100, &Gap{5, 8}},
		{5, 100, &Gap{8, 8}},
		{8, 100, nil},
		{0, 1, nil},
		{0, 2, &Gap{2, 2}},
		{0, 4, &Gap{2, 5}},
		{0, 5, &Gap{2, 8}},
	} {
		if page := b.r.Messages("ns", "m", tt.after, tt.limit, b.r.clusterMS); !reflect.DeepEqual(page.Gap, tt.want) {
			t.Errorf("%d after %d: gap %v, want %v", tt.limit, tt.after, page.Gap, tt.want)
		}
	}
	b.limits(MailLimits{TombstoneMS: 1})
	b.entry()
	if b.state(8) != "unknown" {
		t.Fatal("tombstones are left")
	}
	if page := b.r.Messages("ns", "m", 2, 10, b.r.clusterMS); !reflect.DeepEqual(page.Gap, &Gap{3, 8}) {
		t.Errorf("with the tombstones forgotten: gap %v", page.Gap)
	}
	b.check()
}

func TestDeadLettersExpire(t *testing.T) {
	b := newBench(t)
	b.limits(MailLimits{MaxAttempts: 1, Dead: 2, DeadMS: 60_000})
	b.sends(4)
	b.nack(3)
	b.nack(1)
	before := b.r.Revision()
	b.nack(2)
	if b.state(3) != "expired" || b.state(1) != "dead" || b.state(2) != "dead" || b.r.Revision() != before+2 {
		t.Errorf("of too many the oldest: 1 is %s, 2 %s, 3 %s", b.state(1), b.state(2), b.state(3))
	}
	b.pass(50 * time.Second)
	if b.state(1) != "dead" {
		t.Errorf("1 is %s too early", b.state(1))
	}
	b.pass(10 * time.Second)
	if b.state(1) != "expired" || b.state(4) != "pending" {
		t.Errorf("1 is %s, 4 is %s", b.state(1), b.state(4))
	}
	b.check()
}

func TestTombstonesAreForgotten(t *testing.T) {
	b := newBench(t)
	b.limits(MailLimits{Tombstones: 2, TombstoneMS: 60_000})
	b.sends(4)
	b.ack(2)
	b.ack(1, 3)
	if b.state(2) != "unknown" || b.state(1) != "acked" || b.state(3) != "acked" {
		t.Errorf("1 is %s, 2 %s, 3 %s", b.state(1), b.state(2), b.state(3))
	}
	if m := b.send(post(2)); m.Offset != 5 {
		t.Errorf("a forgotten id again: %+v", m)
	}
	b.pass(58 * time.Second) // and a second for the send after it, and for this entry
	if b.state(1) != "acked" {
		t.Errorf("1 is %s too early", b.state(1))
	}
	b.entry()
	if b.state(1) != "unknown" || b.state(3) != "unknown" || b.state(4) != "pending" {
		t.Errorf("later: 1 is %s", b.state(1))
	}
	b.check()
}

// An idle mailbox that is forgotten must not give its offsets again: a reader's
// position would be beyond what comes.
func TestOffsetsAreNeverGivenAgain(t *testing.T) {
	b := newBench(t)
	epoch := b.grant("m")
	b.limits(MailLimits{Idle: 1, TombstoneMS: 1})
	b.sends(7)
	b.ack(1, 2, 3, 4, 5, 6, 7)
	b.entry()
	b.entry()
	if b.r.Mailbox("ns", "m", 0).Last != 7 {
		t.Fatal("an idle mailbox is forgotten though there is room")
	}
	for _, id := range []string{"x", "y"} {
		c := post(1)
		c.ID = id
		b.send(c)
		b.do(&Ack{NS: "ns", ID: id, UpTo: 1})
	}
	b.entry()
	b.entry()
	if got := b.r.Mailbox("ns", "m", 0); got != (Mailbox{}) {
		t.Fatalf("the mailbox is kept: %+v", got)
	}
	if r, _ := b.do(&Ack{NS: "ns", ID: "m", UpTo: 7}); r.Code != OK {
		t.Errorf("the last ack again: %+v", r)
	}
	if m := b.send(post(1)); m.Offset != 8 {
		t.Errorf("offset %d", m.Offset)
	}
	if got := b.beat(epoch, 1); got.Pending != 1 {
		t.Errorf("a beat says that %d wait", got.Pending)
	}
	b.check()
}

func TestExpiryIsBounded(t *testing.T) {
	b := newBench(t)
	const n = 2*mailSteps + 10
	for i := range n {
		c := post(i)
		c.TTL = 0xffff_ffff_ffff
		b.entry(c)
	}
	b.limits(MailLimits{TombstoneMS: 1})
	b.pass(50 * 24 * time.Hour)
	if left := b.r.Mailbox("ns", "m", 0).Pending; left != n-mailSteps {
		t.Errorf("%d of %d are left after one entry", left, n)
	}
	for range 4 {
		b.entry()
	}
	if got := b.r.Mailbox("ns", "m", 0); got.Pending != 0 || got.Tombstones != 0 {
		t.Errorf("left: %+v", got)
	}
	b.check()
}

func TestClusterNow(t *testing.T) {
	b := newBench(t)
	b.r.Tick(0)
	tick := func(d time.Duration) {
		for end := b.mono + d; b.mono < end; {
			b.mono += TickEvery
			b.r.Tick(b.mono)
		}
	}
	short := post(1)
	short.TTL = 2000
	b.send(short)
	sent := b.r.clusterMS
	tick(1980 * time.Millisecond)
	if b.r.Overdue(b.mono) {
		t.Error("overdue too early")
	}
	tick(TickEvery)
	if !b.r.Overdue(b.mono) {
		t.Error("not overdue")
	}
	if got := b.r.ClusterNow(b.mono + 7*time.Millisecond); got != sent+2007 {
		t.Errorf("%d ms after", got-sent)
	}
	tick(time.Minute)
	if got := b.r.ClusterNow(b.mono); got != sent+aheadMax {
		t.Errorf("runs ahead by %d ms", got-sent)
	}
	b.entry()
	if got := b.r.ClusterNow(b.mono); got != b.r.clusterMS {
		t.Errorf("right after an entry %d ms ahead", got-b.r.clusterMS)
	}
	b.pass(time.Second)
	if b.state(1) != "expired" || b.r.Overdue(b.mono) {
		t.Errorf("it is %s, overdue %v", b.state(1), b.r.Overdue(b.mono))
	}
	b.limits(MailLimits{TombstoneMS: 1000})
	tick(900 * time.Millisecond)
	if b.r.Overdue(b.mono) {
		t.Error("a tombstone is worth an entry too early")
	}
	tick(time.Second)
	if !b.r.Overdue(b.mono) {
		t.Error("a tombstone is kept too long")
	}
}

// TestManyDieAtOnce: dead letters for which there is no room go, the first that
// died before the others. It is one step under the replica's lock;
// BenchmarkManyDieAtOnce says how long.
func TestManyDieAtOnce(t *testing.T) {
	b := newBench(t)
	all := manyToDie(t, b, 3000)
	if r, _ := b.do(all); r.Mail.Dead != 3000 {
		t.Errorf("%+v", r.Mail)
	}
	if dead := b.r.DeadLetters("ns", "box-0", 0, 1000); len(dead) != 100 || dead[0].Offset != 2901 {
		t.Errorf("%d dead letters are left: %+v", len(dead), dead[0])
	}
	b.check()
}

// manyToDie fills a mailbox with n messages and returns the nack that kills all
// of them, of which 100 may stay as dead letters.
func manyToDie(t testing.TB, b *bench, n int) *Nack {
	b.limits(MailLimits{Messages: uint32(n), MaxAttempts: 1, Dead: 100})
	fillMail(t, b.r, 1, n, 1)
	b.at.Index = b.r.Index()
	all := &Nack{NS: "ns", ID: "box-0"}
	for i := range n {
		all.Messages = append(all.Messages, messageID(i))
	}
	return all
}
