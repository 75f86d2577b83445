package api_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// TestTheSDKSpeaksAsTheServerDoes runs the SDK against this server, over HTTP
// and over a session: each has been tested against a model of the other.
func TestTheSDKSpeaksAsTheServerDoes(t *testing.T) {
	for _, session := range []bool{false, true} {
		t.Run(fmt.Sprintf("session %v", session), func(t *testing.T) {
			n, c := newServer(t)
			sdk, err := clientsdk.New(clientsdk.Config{Endpoints: []string{c.base}, Session: session})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			events := make(chan clientsdk.Change, 100)
			ended := make(chan struct{})
			t.Cleanup(func() { cancel(); <-ended; _ = sdk.Close() })
			go func() {
				defer close(ended)
				for change, err := range sdk.Watch(ctx, clientsdk.WatchQuery{Service: "web"}) {
					if err != nil {
						return
					}
					events <- change
				}
			}()
			if first := <-events; first.Type != wire.EventSnapshot || first.More || first.Restarted {
				t.Errorf("%+v", first)
			}

			lost := make(chan *clientsdk.LostError, 1)
			lease, err := sdk.Register(ctx, clientsdk.Registration{
				ID: "web-1", Service: "web", TTL: 3 * time.Second, Exclusive: true,
				OnLost: func(gone *clientsdk.LostError) { lost <- gone },
			})
			if err != nil {
				t.Fatal(err)
			}
			granted := <-events
			if granted.Type != "registered" || granted.Lease == nil || granted.Epoch != lease.Epoch() {
				t.Errorf("%+v", granted)
			}
			if _, err := lease.Update(ctx, wire.Patch{Tags: &[]string{"v2"}}); err != nil {
				t.Error(err)
			}

			sdkMail(ctx, t, n, sdk, lease)

			if _, err := sdk.Evict(ctx, "web-1"); err != nil {
				t.Fatal(err)
			}
			if gone := <-lost; !errors.Is(gone, clientsdk.ErrEvicted) || gone.Certificate.Epoch != granted.Epoch || !gone.Final {
				t.Errorf("%+v", gone)
			}
			var kinds []string
			for len(kinds) == 0 || kinds[len(kinds)-1] != "evicted" {
				kinds = append(kinds, (<-events).Type)
			}
			if !slices.Equal(kinds, []string{"updated", "evicted"}) {
				t.Errorf("heard %q", kinds)
			}
			history, err := sdk.History(ctx, "web-1", 2)
			if err != nil || len(history) != 2 || history[0].Type != "evicted" || history[1].Type != "updated" {
				t.Errorf("%+v, %v", history, err)
			}
			then, err := sdk.Alive(ctx, clientsdk.Query{AtRevision: granted.Revision})
			if err != nil || then.Count != 1 || then.Alive[0].ID != "web-1" {
				t.Errorf("%+v, %v", then, err)
			}
			if _, err := sdk.Alive(ctx, clientsdk.Query{At: time.Now()}); err != nil && !clientsdk.IsCompacted(err) {
				t.Error(err)
			}
		})
	}
}

// sdkMail sends to a lease and has its inbox handle it, over an error.
func sdkMail(ctx context.Context, t *testing.T, n *node, sdk *clientsdk.Client, lease *clientsdk.Lease) {
	t.Helper()
	const messages = 50
	id := "00000000-0000-4000-8000-000000000000"
	for i := range messages {
		m := clientsdk.Message{From: "billing", Body: i, TTL: time.Hour}
		if i == 0 {
			m = clientsdk.Message{ID: id, Binary: []byte{0, 255}}
		}
		if _, err := sdk.Send(ctx, "web-1", m); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := sdk.Send(ctx, "web-1", clientsdk.Message{ID: id, Body: 1}); err != nil || !again.Duplicate || again.Offset != 1 {
		t.Errorf("%+v, %v", again, err)
	}
	inbox, stop := context.WithCancel(ctx)
	handled := make(chan clientsdk.Received, 2*messages)
	ended := make(chan error, 1)
	go func() {
		ended <- sdk.Inbox(inbox, lease, clientsdk.InboxConfig{Workers: 2, Batch: 10, Wait: time.Second}, func(_ context.Context, m clientsdk.Received) error {
			if m.Offset == 7 && m.Attempts == 0 {
				return errors.New("not yet")
			}
			handled <- m
			return nil
		})
	}()
	offsets := map[uint64]bool{}
	for len(offsets) < messages+1 {
		select {
		case m := <-handled:
			if offsets[m.Offset] = true; m.Offset == 1 && !slices.Equal(m.Binary, []byte{0, 255}) || m.Offset == 7 && m.Reason != "not yet" {
				t.Errorf("%+v", m)
			}
			if len(offsets) == messages {
				if _, err := sdk.Send(ctx, "web-1", clientsdk.Message{Body: "later"}); err != nil {
					t.Fatal(err)
				}
			}
		case <-time.After(300 * time.Millisecond):
			n.advance(400 * time.Millisecond) // what was given back is due
		case <-ctx.Done():
			t.Fatalf("%d handled", len(offsets))
		}
	}
	for {
		box, err := sdk.Mailbox(ctx, "web-1")
		if err != nil || box.LastOffset != messages+1 || box.Dead != 0 {
			t.Fatalf("%+v, %v", box, err)
		}
		if box.Pending == 0 {
			break
		}
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the inbox ended with %v", err)
	}
	if state, err := sdk.MessageState(ctx, "web-1", id); err != nil || state.State != "acked" {
		t.Errorf("%+v, %v", state, err)
	}
}
