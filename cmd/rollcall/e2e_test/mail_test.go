//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func mailPath(id, rest string) string { return wire.PathMailboxes + "/" + id + rest }

func post(endpoint, to string, m wire.NewMessage, within time.Duration) (wire.Sent, answer) {
	var s wire.Sent
	a := ask("POST", endpoint, mailPath(to, "/messages"), m, &s, within)
	return s, a
}

// post sends one message until it is acknowledged, at one node after the other.
func (c cluster) post(t *testing.T, to string, m wire.NewMessage) wire.Sent {
	t.Helper()
	var sent wire.Sent
	at := 0
	eventually(t, 20*time.Second, "a message is acknowledged", func() bool {
		at++
		p := c[at%len(c)]
		if !p.running() {
			return false
		}
		s, a := post(p.endpoint(), to, m, time.Second)
		sent = s
		return a.ok()
	})
	return sent
}

func message(n int) wire.NewMessage {
	return wire.NewMessage{ID: uuid.NewString(), From: "e2e", Body: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n))}
}

// read returns all pending messages of a mailbox.
func read(t *testing.T, endpoint, id string) (all []wire.Message) {
	t.Helper()
	for after := uint64(0); ; {
		var page wire.MessagesPage
		a := get(endpoint, mailPath(id, fmt.Sprintf("/messages?limit=1000&consistency=linearizable&after=%d", after)), &page)
		if !a.ok() {
			t.Fatalf("read %s: %s", id, a)
		}
		if len(page.Messages) == 0 {
			return all
		}
		all, after = append(all, page.Messages...), page.Next
	}
}

// TestMailWaitsForWhoIsAway: messages to an id that is away, some sent twice,
// the leader killed between them; then the id comes back and reads all of them
// once and in order.
func TestMailWaitsForWhoIsAway(t *testing.T) {
	const messages = 200
	c := startCluster(t, 3)
	leader := c.leader(t)
	others := c.others(leader)
	sendAcross(t, others, messages, func() { leader.kill() })
	g, a := register(others[1].endpoint(), "away", wire.Registration{TTLMS: 600_000})
	if !a.ok() || g.Pending != messages {
		t.Fatalf("register: %s, pending %d, want %d", a, g.Pending, messages)
	}
	got := read(t, others[0].endpoint(), "away")
	if len(got) != messages {
		t.Fatalf("%d messages, want %d", len(got), messages)
	}
	for i, m := range got {
		if want := fmt.Sprintf(`{"n":%d}`, i); string(m.Body) != want || i > 0 && m.Offset <= got[i-1].Offset {
			t.Errorf("message %d at offset %d is %s, want %s", i, m.Offset, m.Body, want)
		}
	}
	refuseTheFirst(t, others, g.Epoch, got[0].ID)
	var acked wire.Acked
	body := wire.Ack{Epoch: g.Epoch, UpTo: got[len(got)-1].Offset}
	if a := ask("POST", others[1].endpoint(), mailPath("away", "/ack"), body, &acked, 5*time.Second); !a.ok() || acked.Acked != messages-1 || acked.Pending != 0 {
		t.Errorf("ack: %s %+v", a, acked)
	}
	requeueTheFirst(t, others, got[0].ID)
}

// sendAcross sends numbered messages, each tenth twice, and lets something
// happen in the middle.
func sendAcross(t *testing.T, c cluster, n int, middle func()) {
	t.Helper()
	for i := range n {
		if i == n/3 {
			middle()
		}
		m := message(i)
		first := c.post(t, "away", m)
		if i%10 != 0 {
			continue
		}
		if again := c.post(t, "away", m); !again.Duplicate || again.Offset != first.Offset {
			t.Errorf("sent twice: %+v, then %+v", first, again)
		}
	}
}

// refuseTheFirst nacks a message until it is a dead letter.
func refuseTheFirst(t *testing.T, c cluster, epoch uint64, id string) {
	t.Helper()
	for attempt := uint32(1); attempt <= 5; attempt++ {
		var nacked wire.Nacked
		body := wire.Nack{Epoch: epoch, IDs: []string{id}, Attempt: attempt, Reason: "cannot be done"}
		a := ask("POST", c[0].endpoint(), mailPath("away", "/nack"), body, &nacked, 5*time.Second)
		if !a.ok() || nacked.Nacked != 1 || (nacked.Dead == 1) != (attempt == 5) {
			t.Fatalf("nack %d: %s %+v", attempt, a, nacked)
		}
	}
	var dead wire.DeadPage
	if a := get(c[1].endpoint(), mailPath("away", "/dead?consistency=linearizable"), &dead); !a.ok() || len(dead.Messages) != 1 ||
		dead.Messages[0].ID != id || dead.Messages[0].Reason != "cannot be done" {
		t.Fatalf("dead letters: %s %+v", a, dead)
	}
}

func requeueTheFirst(t *testing.T, c cluster, id string) {
	t.Helper()
	var again wire.Sent
	if a := ask("POST", c[0].endpoint(), mailPath("away", "/dead/"+id+"/requeue"), nil, &again, 5*time.Second); !a.ok() || again.State != "pending" {
		t.Fatalf("requeue: %s %+v", a, again)
	}
	got := read(t, c[1].endpoint(), "away")
	if len(got) != 1 || got[0].ID != id || got[0].Offset != again.Offset || got[0].Attempts != 0 {
		t.Errorf("after the requeue: %+v", got)
	}
}

// TestKillAllWhileSending: no acknowledged message is missing after kill -9 of
// all nodes, and none is there twice.
func TestKillAllWhileSending(t *testing.T) {
	const senders = 16
	c := startCluster(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	acked := make([][]string, senders)
	var sending sync.WaitGroup
	for i := range senders {
		sending.Go(func() { acked[i] = sendUntil(ctx, c[i%3].endpoint(), fmt.Sprint("box-", i)) })
	}
	pass(ctx, 2*time.Second)
	var killers sync.WaitGroup
	for _, p := range c {
		killers.Go(p.kill)
	}
	killers.Wait()
	cancel()
	sending.Wait()
	for _, p := range c {
		p.start()
	}
	c.awaitReady(t, 20*time.Second)
	total := 0
	for i, ids := range acked {
		total += len(ids)
		checkMailbox(t, c[i%3].endpoint(), fmt.Sprint("box-", i), ids)
	}
	t.Logf("%d messages were acknowledged", total)
}

// sendUntil sends until ctx ends or an answer fails to come, and returns the
// ids that were acknowledged, in order.
func sendUntil(ctx context.Context, endpoint, to string) (ids []string) {
	for n := 0; ctx.Err() == nil; n++ {
		m := message(n)
		if _, a := post(endpoint, to, m, 2*time.Second); !a.ok() {
			return ids
		}
		ids = append(ids, m.ID)
	}
	return ids
}

// checkMailbox wants the acknowledged messages in order; behind them there may
// be one more, whose answer did not come.
func checkMailbox(t *testing.T, endpoint, id string, want []string) {
	t.Helper()
	var got []string
	for _, m := range read(t, endpoint, id) {
		got = append(got, m.ID)
	}
	if len(got) < len(want) || len(got) > len(want)+1 || !slices.Equal(got[:len(want)], want) {
		t.Errorf("%s: %d messages, %d were acknowledged", id, len(got), len(want))
	}
}
