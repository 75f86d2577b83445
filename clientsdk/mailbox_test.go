package clientsdk

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestSendArrivesOnceWhateverAnswerIsLost(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.lose = 1 })
		b.node("n3", func(n *modelNode) { n.lose = 0 })
		sent, err := b.client.Send(t.Context(), "web-1", Message{From: "billing", Body: map[string]int{"n": 7}})
		if err != nil || !sent.Duplicate || sent.Offset != 1 || sent.State != "pending" {
			t.Errorf("%+v, %v", sent, err)
		}
		if n := len(b.record("POST")); n != 3 || len(b.states("web-1")) != 1 {
			t.Errorf("%d tries, messages %v", n, b.states("web-1"))
		}
		b.all(func(n *modelNode) { n.lose = 9 })
		m := Message{ID: newUUID(), Body: "again"}
		if _, err := b.client.Send(t.Context(), "web-1", m); !IsUnreachable(err) {
			t.Errorf("got %v", err)
		}
		b.all(func(n *modelNode) { n.lose = 0 })
		if sent, err := b.client.Send(t.Context(), "web-1", m); err != nil || !sent.Duplicate || sent.Offset != 2 || sent.ID != m.ID {
			t.Errorf("%+v, %v", sent, err)
		}
	})
}

func TestMessagesAreSpelledAsInTheContract(t *testing.T) {
	for _, e := range []struct {
		message Message
		want    string
	}{
		{Message{ID: "x"}, `{"id":"x","body":null}`},
		{Message{ID: "x", From: "a", Body: []int{1}, TTL: time.Second}, `{"id":"x","from":"a","body":[1],"ttl_ms":1000}`},
		{Message{ID: "x", Binary: []byte{0, 255}, TTL: time.Microsecond}, `{"id":"x","body_b64":"AP8=","ttl_ms":1}`},
		{Message{ID: "x", Binary: []byte{}}, `{"id":"x","body_b64":""}`},
	} {
		bubble(t, func(t *testing.T, b *bench) {
			if _, err := b.client.Send(t.Context(), "web-1", e.message); err != nil {
				t.Fatal(err)
			}
			if got := b.record("POST")[0]; got.body != e.want || got.path != "/v1/mailboxes/web-1/messages" {
				t.Errorf("sent %s to %s", got.body, got.path)
			}
		})
	}
}

func TestMessagesThatCannotBeSent(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		if _, err := b.client.Send(t.Context(), "a", Message{Body: 1, Binary: []byte{1}}); !IsInvalid(err) {
			t.Errorf("a body and bytes: %v", err)
		}
		if _, err := b.client.Send(t.Context(), "a", Message{Body: func() {}}); err == nil {
			t.Error("a function was sent")
		}
		for name, err := range map[string]error{
			"send": second(b.client.Send(t.Context(), "", Message{})), "messages": second(b.client.Messages(t.Context(), "", MessagesQuery{})),
			"ack": second(b.client.Ack(t.Context(), "", wire.Ack{})), "nack": second(b.client.Nack(t.Context(), "", wire.Nack{})),
			"mailbox": second(b.client.Mailbox(t.Context(), "")), "state": second(b.client.MessageState(t.Context(), "a", "")),
			"requeue": second(b.client.Requeue(t.Context(), "a", "")),
		} {
			if !IsInvalid(err) {
				t.Errorf("%s of nobody: %v", name, err)
			}
		}
		for _, err := range b.client.DeadLetters(t.Context(), "") {
			if !IsInvalid(err) {
				t.Errorf("dead letters of nobody: %v", err)
			}
		}
		if len(b.record("POST")) != 0 {
			t.Error("something was sent")
		}
	})
}

func TestMailByHand(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		ctx, c := t.Context(), b.client
		var ids []string
		for i := range 3 {
			sent, err := c.Send(ctx, "web-1", Message{Body: i})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, sent.ID)
		}
		page, err := c.Messages(ctx, "web-1", MessagesQuery{After: 1, Limit: 1})
		if err != nil || len(page.Messages) != 1 || page.Next != 2 || string(page.Messages[0].Body) != "1" {
			t.Errorf("%+v, %v", page, err)
		}
		if acked, err := c.Ack(ctx, "web-1", wire.Ack{UpTo: 1}); err != nil || acked.Acked != 1 || acked.Pending != 2 {
			t.Errorf("%+v, %v", acked, err)
		}
		for range modelAttempts {
			if _, err := c.Nack(ctx, "web-1", wire.Nack{IDs: ids[1:], Reason: "no"}); err != nil {
				t.Fatal(err)
			}
		}
		if box, err := c.Mailbox(ctx, "web-1"); err != nil || box.Dead != 2 || box.Pending != 0 || box.LastOffset != 3 {
			t.Errorf("%+v, %v", box, err)
		}
		var dead []string
		for m, err := range c.DeadLetters(ctx, "web-1") {
			if err != nil {
				t.Fatal(err)
			}
			dead = append(dead, m.ID)
		}
		if !slices.Equal(dead, ids[1:]) {
			t.Errorf("dead %v, want %v", dead, ids[1:])
		}
		if sent, err := c.Requeue(ctx, "web-1", ids[2]); err != nil || sent.Offset != 4 {
			t.Errorf("%+v, %v", sent, err)
		}
		if state, err := c.MessageState(ctx, "web-1", ids[0]); err != nil || state.State != "acked" {
			t.Errorf("%+v, %v", state, err)
		}
		if _, err := c.MessageState(ctx, "web-1", newUUID()); !IsNotFound(err) {
			t.Errorf("got %v", err)
		}
	})
}

func TestMailIsAskedForAsInTheContract(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var asked *url.URL
		b.seen = func(r *http.Request) { asked = r.URL }
		_, _ = b.client.Messages(t.Context(), "a:b", MessagesQuery{After: 7, Limit: 5, Wait: 1500 * time.Millisecond}, AtLeast(9))
		if asked.Path != "/v1/mailboxes/a:b/messages" || asked.RawQuery != "after=7&limit=5&min_revision=9&wait_ms=1500" {
			t.Errorf("asked %s", asked)
		}
	})
}

func TestAPollIsNoRoundTrip(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		if _, err := b.client.Messages(t.Context(), "a", MessagesQuery{Wait: time.Minute}); err != nil {
			t.Fatal(err)
		}
		if q := b.client.Quality(); q.Samples != 0 {
			t.Errorf("%+v", q)
		}
	})
}

func TestWhichNacksAreTriedAgain(t *testing.T) {
	for attempt, tries := range map[uint32]int{0: 1, 1: 3} {
		bubble(t, func(t *testing.T, b *bench) {
			b.all(func(n *modelNode) { n.lose = 9 })
			_, _ = b.client.Nack(t.Context(), "a", wire.Nack{IDs: []string{"x"}, Attempt: attempt})
			if n := len(b.record("POST")); n != tries {
				t.Errorf("attempt %d: %d tries, want %d", attempt, n, tries)
			}
		})
	}
}

func TestUUIDsAreOfVersion4(t *testing.T) {
	pattern := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := newUUID()
		if !pattern.MatchString(id) || seen[id] {
			t.Fatalf("%s", id)
		}
		seen[id] = true
	}
}

func TestReceivedMessagesAreDecoded(t *testing.T) {
	m, err := received("a", &wire.Message{ID: "x", Offset: 7, Body: []byte(`{"n":7}`), Attempts: 2, Reason: "no", EnqueuedAt: 1000})
	var body struct{ N int }
	if err != nil || m.Decode(&body) != nil || body.N != 7 || m.To != "a" || m.Attempts != 2 || m.EnqueuedAt.Unix() != 1 {
		t.Errorf("%+v, %v, %v", m, body, err)
	}
	if err := m.Decode(new(string)); err == nil {
		t.Error("an object became a string")
	}
	m, err = received("a", &wire.Message{BodyB64: new("AP8=")})
	if err != nil || !slices.Equal(m.Binary, []byte{0, 255}) || m.Decode(&body) == nil {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err = received("a", &wire.Message{BodyB64: new("?")}); err == nil {
		t.Error("no base64 was decoded")
	}
}

func TestReasonsFit(t *testing.T) {
	long := reasonOf(errors.New(strings.Repeat("ä", wire.MaxReason)))
	if len(long) > wire.MaxReason || strings.Trim(long, "ä") != "" {
		t.Errorf("%q", long)
	}
	if odd := reasonOf(errors.New("x" + strings.Repeat("ä", wire.MaxReason))); len(odd) != wire.MaxReason-1 {
		t.Errorf("%d bytes", len(odd))
	}
}
