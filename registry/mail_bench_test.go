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

func BenchmarkSendAndAck(b *testing.B) {
	for _, waiting := range []int{0, 9000} {
		b.Run(fmt.Sprint("waiting=", waiting), func(b *testing.B) {
			r := NewReplica("n1")
			fillMail(b, r, 1, waiting, 200)
			body := Body{From: "billing", Data: make([]byte, 200)}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				id := messageID(waiting + i)
				r.Apply(Position{Index: r.Index() + 1, Term: 1}, &Entry{Commands: []Command{
					&Send{NS: "ns", ID: "box-0", Message: id, TTL: 3_600_000, Body: body},
					&Ack{NS: "ns", ID: "box-0", Messages: []MessageID{id}},
				}}, 0)
			}
		})
	}
}

func BenchmarkReadMessages(b *testing.B) {
	r := NewReplica("n1")
	fillMail(b, r, 1, 10_000, 200)
	b.ReportAllocs()
	for i := range b.N {
		r.Messages("ns", "box-0", uint64(i%9900), 100, 0)
	}
}

// BenchmarkManyDieAtOnce is one nack that kills a whole mailbox: the longest
// step that a single command takes under the replica's lock.
func BenchmarkManyDieAtOnce(b *testing.B) {
	for range b.N {
		b.StopTimer()
		bench := newBench(b)
		all := manyToDie(b, bench, 10_000)
		b.StartTimer()
		bench.do(all)
	}
}
