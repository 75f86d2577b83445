package registry

import (
	"fmt"
	"runtime"
	"testing"
)

// fillMail sends n messages to each of that many mailboxes, a thousand an entry.
func fillMail(t testing.TB, r *Replica, mailboxes, n, size int) {
	t.Helper()
	body := make([]byte, size)
	for box := range mailboxes {
		for i := 0; i < n; i += 1000 {
			var e Entry
			for j := range min(1000, n-i) {
				e.Commands = append(e.Commands, &Send{
					NS: "ns", ID: fmt.Sprint("box-", box), Message: messageID(i + j), TTL: 3_600_000, Body: Body{From: "billing", Data: body},
				})
			}
			out := r.Apply(Position{Index: r.Index() + 1, Term: 1}, &e, 0)
			if last := out.Results[len(out.Results)-1]; last.Code != OK {
				t.Fatalf("message %d of mailbox %d: code %d", i, box, last.Code)
			}
			r.Flush(func(Kind, []byte, []byte) {})
		}
	}
}

// What messages that wait cost: a million of 200 bytes at most 100 MB of live
// heap, since their bodies are in the image only.
func TestMessagesAreSmall(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("a million messages")
	}
	r := NewReplica("n1")
	before := heap()
	fillMail(t, r, 100, 10_000, 200)
	after := heap()
	t.Logf("%d MB", (after-before)>>20)
	if after-before > 100e6 {
		t.Errorf("a million messages cost %d bytes", after-before)
	}
	runtime.KeepAlive(r)
}

// mailRound is how many messages are sent, or acknowledged, between two stops
// of the clock.
const mailRound = 500

// BenchmarkApplySend is an entry of one message to a mailbox in which so many
// wait already. They end again while the clock stands.
func BenchmarkApplySend(b *testing.B) {
	mailboxes(b, func(b *testing.B, l *loaded, sends, acks []Command) {
		for i := 0; b.Loop(); i++ {
			if i%mailRound == 0 {
				b.StopTimer()
				l.apply(acks...)
				renumber(sends, acks, i)
				l.flush()
				b.StartTimer()
			}
			if c := l.apply(sends[i%mailRound]).Results[0].Code; c != OK {
				b.Fatalf("message %d: code %d", i, c)
			}
		}
	})
}

// BenchmarkApplyAck is an entry that acknowledges one message, of so many that
// wait. They were sent while the clock stood.
func BenchmarkApplyAck(b *testing.B) {
	mailboxes(b, func(b *testing.B, l *loaded, sends, acks []Command) {
		for i := 0; b.Loop(); i++ {
			if i%mailRound == 0 {
				b.StopTimer()
				renumber(sends, acks, i)
				l.apply(sends...)
				l.flush()
				b.StartTimer()
			}
			if out := l.apply(acks[i%mailRound]).Results[0]; out.Mail.Acked != 1 {
				b.Fatalf("message %d: %+v", i, out)
			}
		}
	})
}

// mailboxes runs a benchmark with a mailbox in which so many messages wait.
func mailboxes(b *testing.B, f func(b *testing.B, l *loaded, sends, acks []Command)) {
	for _, waiting := range []int{0, 1000, 9000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			l := load(b, 1)
			fillMail(b, l.Replica, 1, waiting, 200)
			sends, acks := make([]Command, mailRound), make([]Command, mailRound)
			renumber(sends, acks, 0)
			b.ReportAllocs()
			f(b, l, sends, acks)
		})
	}
}

// renumber makes a round of messages and their acknowledgements that were not
// there before.
func renumber(sends, acks []Command, i int) {
	body := Body{From: "billing", Data: make([]byte, 200)}
	for j := range sends {
		id := messageID(1_000_000 + i + j)
		sends[j] = &Send{NS: "ns", ID: "box-0", Message: id, TTL: 3_600_000, Body: body}
		acks[j] = &Ack{NS: "ns", ID: "box-0", Messages: []MessageID{id}}
	}
}

// BenchmarkReadMessages reads a page of a hundred from a full mailbox.
func BenchmarkReadMessages(b *testing.B) {
	r := NewReplica("n1")
	fillMail(b, r, 1, 10_000, 200)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if page := r.Messages("ns", "box-0", uint64(i%9900), 100, 0); len(page.Messages) != 100 {
			b.Fatalf("%d messages", len(page.Messages))
		}
	}
	perEach(b, 100, "message")
}

// BenchmarkManyDieAtOnce is one nack that kills a whole mailbox: the longest
// step that a single command takes under the replica's lock.
func BenchmarkManyDieAtOnce(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		bench := newBench(b)
		all := manyToDie(b, bench, 10_000)
		b.StartTimer()
		bench.do(all)
	}
}
