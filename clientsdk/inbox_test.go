package clientsdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// post sends messages 1 to n to web-1.
func (b *bench) post(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		if _, err := b.client.Send(t.Context(), "web-1", Message{Body: i + 1}); err != nil {
			t.Fatal(err)
		}
	}
}

// open runs an inbox, and returns how it is ended, and how it has ended.
func (b *bench) open(t *testing.T, l *Lease, config InboxConfig, handler func(context.Context, Received) error) (stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- b.client.Inbox(ctx, l, config, handler) }()
	return stop, end
}

func (b *bench) wantStates(t *testing.T, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	for _, s := range b.states("web-1") {
		got[s]++
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("messages %v, want %v", got, want)
	}
}

// posted returns the bodies of requests with that path's end.
func posted[T any](t *testing.T, b *bench, end string) (list []T) {
	t.Helper()
	for _, h := range b.record("POST") {
		if strings.HasSuffix(h.path, end) {
			var body T
			if err := json.Unmarshal([]byte(h.body), &body); err != nil {
				t.Fatal(err)
			}
			list = append(list, body)
		}
	}
	return list
}

func TestInboxHandlesInOrderAndAcknowledges(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.post(t, 250)
		got := new(journal[uint64])
		stop, ended := b.open(t, l, InboxConfig{}, func(_ context.Context, m Received) error {
			got.add(m.Offset)
			return nil
		})
		pass(time.Minute)
		b.post(t, 50)
		pass(time.Second)
		if list := got.all(); len(list) != 300 || !slices.IsSorted(list) {
			t.Errorf("handled %v", list)
		}
		b.wantStates(t, map[string]int{"acked": 300})
		for _, ack := range posted[wire.Ack](t, b, "/ack") {
			if ack.Epoch != l.Epoch() || ack.UpTo != 0 || len(ack.IDs) > 100 {
				t.Errorf("acknowledged with %+v", ack)
			}
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestInboxWorkersAreBoundedAndNeverShareAMessage(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.post(t, 40)
		var working, most atomic.Int64
		started := new(journal[uint64])
		with := map[string]*atomic.Int64{}
		b.with(func(c *cluster) {
			for _, m := range c.mail["web-1"].messages {
				with[m.ID] = new(atomic.Int64)
			}
		})
		stop, ended := b.open(t, l, InboxConfig{Workers: 4, Batch: 10}, func(ctx context.Context, m Received) error {
			most.Store(max(most.Load(), working.Add(1)))
			defer working.Add(-1)
			if with[m.ID].Add(1) != 1 {
				t.Errorf("%d is with two workers", m.Offset)
			}
			defer with[m.ID].Add(-1)
			if m.Attempts == 0 {
				started.add(m.Offset)
			}
			pass := time.Duration(m.Offset%7) * time.Second // longer than what was given back is away
			if err := sleep(ctx, pass); err != nil || m.Offset%3 == 0 && m.Attempts < 2 {
				return errors.New("not yet")
			}
			return nil
		})
		pass(10 * time.Minute)
		if most.Load() != 4 || len(started.all()) != 40 {
			t.Errorf("at most %d at once, started %v", most.Load(), started.all())
		}
		for i, offset := range started.all() {
			if place := uint64(i + 1); offset+4 <= place || place+4 <= offset {
				t.Errorf("message %d was started as number %d by 4 workers", offset, place)
			}
		}
		b.wantStates(t, map[string]int{"acked": 40})
		stop()
		<-ended
	})
}

func TestInboxGivesBackWhatFailed(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.post(t, 3)
		reasons := new(journal[string])
		stop, ended := b.open(t, l, InboxConfig{}, func(_ context.Context, m Received) error {
			switch m.Offset {
			case 1:
				reasons.add(fmt.Sprintf("%d %s", m.Attempts, m.Reason))
				return errors.New("no room")
			case 2:
				panic("at once")
			}
			return nil
		})
		pass(time.Minute)
		b.wantStates(t, map[string]int{"dead": 2, "acked": 1})
		if want := []string{"0 ", "1 no room", "2 no room", "3 no room", "4 no room"}; !slices.Equal(reasons.all(), want) {
			t.Errorf("%q", reasons.all())
		}
		panics := 0
		for _, nack := range posted[wire.Nack](t, b, "/nack") {
			if nack.Epoch != l.Epoch() || nack.Attempt == 0 || len(nack.IDs) != 1 {
				t.Errorf("given back with %+v", nack)
			}
			if strings.Contains(nack.Reason, "at once") {
				panics++
			}
		}
		if panics != modelAttempts {
			t.Errorf("%d panics told", panics)
		}
		stop()
		<-ended
	})
}

func TestInboxOutlastsAClusterWithoutQuorum(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.post(t, 100)
		var handled atomic.Int64
		b.all(func(n *modelNode) { n.noLeader = true })
		stop, ended := b.open(t, l, InboxConfig{Batch: 7}, func(context.Context, Received) error {
			handled.Add(1)
			return nil
		})
		pass(testTTL / 2) // the lease lives on
		if handled.Load() != 7 {
			t.Errorf("%d handled and not acknowledged, want no more than 7", handled.Load())
		}
		b.all(func(n *modelNode) { n.noLeader, n.lose = false, 1 })
		pass(time.Minute)
		b.wantStates(t, map[string]int{"acked": 100})
		if handled.Load() != 100 {
			t.Errorf("%d handled, want each once", handled.Load())
		}
		stop()
		<-ended
	})
}

func TestInboxAcknowledgesWithTheNextEpoch(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		first := l.Epoch()
		b.post(t, 2)
		stop, ended := b.open(t, l, InboxConfig{}, func(ctx context.Context, m Received) error {
			return sleep(ctx, 2*time.Second)
		})
		pass(time.Second)
		b.with(func(c *cluster) { c.end(c.leases["web-1"], Expired) })
		pass(time.Minute)
		b.wantStates(t, map[string]int{"acked": 2})
		acks := posted[wire.Ack](t, b, "/ack")
		if n := len(acks); l.Epoch() == first || acks[0].Epoch != first || acks[n-1].Epoch != l.Epoch() || n > 4 {
			t.Errorf("acknowledged with %+v, first epoch %d, now %d", acks, first, l.Epoch())
		}
		stop()
		<-ended
	})
}

func TestInboxEndWaitsAndAcknowledges(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.post(t, 3)
		stop, ended := b.open(t, l, InboxConfig{Workers: 2}, func(ctx context.Context, m Received) error {
			<-ctx.Done()
			pass := time.NewTimer(time.Hour)
			<-pass.C
			if m.Offset == 2 {
				return ctx.Err()
			}
			return nil
		})
		pass(time.Second)
		start := time.Now()
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(start) < time.Hour {
			t.Errorf("ended with %v after %v", err, time.Since(start))
		}
		if got := b.states("web-1"); !slices.Equal(got, []string{"acked", "pending", "pending"}) {
			t.Errorf("messages %v", got)
		}
		if len(posted[wire.Nack](t, b, "/nack")) != 0 {
			t.Error("an error after the end counted against the message")
		}
	})
}

func TestInboxEndIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.post(t, 1)
		stop, ended := b.open(t, l, InboxConfig{}, func(context.Context, Received) error { return nil })
		b.all(func(n *modelNode) { n.noLeader = true })
		pass(time.Second)
		start := time.Now()
		stop()
		<-ended
		if took := time.Since(start); took > 2*b.client.config.RequestTimeout {
			t.Errorf("took %v", took)
		}
	})
}

func TestInboxEndsWithItsLease(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.post(t, 1)
		cancelled := new(journal[error])
		_, ended := b.open(t, l, InboxConfig{}, func(ctx context.Context, _ Received) error {
			<-ctx.Done()
			cancelled.add(context.Cause(ctx))
			return nil
		})
		pass(time.Second)
		if _, err := b.client.Evict(t.Context(), "web-1"); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, ErrEvicted) {
			t.Errorf("ended with %v", err)
		}
		if list := cancelled.all(); len(list) != 1 || !errors.Is(list[0], ErrEvicted) {
			t.Errorf("the handler heard %v", list)
		}
		b.wantStates(t, map[string]int{"pending": 1}) // no epoch may acknowledge
	})
}

func TestInboxWaitsForTheGrant(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.down = true })
		l := b.client.Start(t.Context(), Registration{ID: "web-1", TTL: testTTL})
		got := new(journal[uint64])
		stop, ended := b.open(t, l, InboxConfig{}, func(_ context.Context, m Received) error { got.add(m.Offset); return nil })
		pass(time.Minute)
		b.all(func(n *modelNode) { n.down = false })
		pass(time.Minute)
		b.post(t, 1)
		pass(time.Second)
		if len(got.all()) != 1 {
			t.Errorf("handled %v", got.all())
		}
		stop()
		<-ended
		b.all(func(n *modelNode) { n.script = []answer{problem(403, wire.CodeForbidden)} })
		refused := b.client.Start(t.Context(), Registration{ID: "web-2"})
		if err := b.client.Inbox(t.Context(), refused, InboxConfig{}, nil); !IsDenied(err) {
			t.Errorf("of a lease that was refused: %v", err)
		}
	})
}

func TestInboxReportsAGapOnce(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.post(t, 9)
		b.with(func(c *cluster) {
			for _, m := range c.mail["web-1"].messages[:5] {
				m.state = "expired"
			}
			c.mail["web-1"].gap = &wire.Gap{From: 1, To: 5, Cause: "expired"}
		})
		gaps := new(journal[wire.Gap])
		stop, ended := b.open(t, l, InboxConfig{OnGap: func(g wire.Gap) { gaps.add(g); panic("is contained") }},
			func(ctx context.Context, _ Received) error { return nil })
		pass(time.Minute)
		b.with(func(c *cluster) { c.mail["web-1"].gap = &wire.Gap{From: 3, To: 12, Cause: "expired"} })
		b.forgetHits()
		pass(time.Minute)
		want := []wire.Gap{{From: 1, To: 5, Cause: "expired"}, {From: 6, To: 12, Cause: "expired"}}
		if !slices.Equal(gaps.all(), want) {
			t.Errorf("gaps %+v", gaps.all())
		}
		if n := len(b.record("GET")); n > 130 {
			t.Errorf("%d questions in a minute while a gap shows", n)
		}
		b.wantStates(t, map[string]int{"expired": 5, "acked": 4})
		stop()
		<-ended
	})
}

func TestInboxDoesNotSpinWhileADueMessageIsHandled(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.post(t, 1)
		got := new(journal[uint64])
		stop, ended := b.open(t, l, InboxConfig{Workers: 2}, func(ctx context.Context, m Received) error {
			got.add(m.Offset)
			if m.Offset == 1 && m.Attempts == 1 {
				return sleep(ctx, time.Hour)
			}
			return errors.New("no")
		})
		pass(time.Minute) // it is due now, and with a worker
		b.forgetHits()
		pass(30 * time.Minute)
		if n := len(b.record("GET")); n > 30*60*2 {
			t.Errorf("%d questions in half an hour", n)
		}
		b.post(t, 1)
		pass(time.Second + 10*time.Millisecond)
		if !slices.Contains(got.all(), 2) {
			t.Error("a new message waits for the one that is handled")
		}
		stop()
		<-ended
	})
}

func TestInboxEndsWithADefiniteRefusal(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.all(func(n *modelNode) { n.script = []answer{problem(401, wire.CodeUnauthenticated)} })
		if err := b.client.Inbox(t.Context(), l, InboxConfig{}, nil); !IsDenied(err) {
			t.Errorf("ended with %v", err)
		}
		if err := b.client.Inbox(t.Context(), l, InboxConfig{Batch: 1001}, nil); !IsInvalid(err) {
			t.Errorf("too large a batch: %v", err)
		}
	})
}

func TestInboxGoesOnAfterWhatCannotBeSettled(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.post(t, 2)
		stop, ended := b.open(t, l, InboxConfig{Batch: 1}, func(_ context.Context, m Received) error {
			if m.Offset == 1 { // its acknowledgement, and nothing else, is refused
				b.node("n1", func(n *modelNode) { n.script = []answer{problem(400, wire.CodeInvalidRequest)} })
			}
			return nil
		})
		pass(time.Second)
		if got := b.states("web-1"); !slices.Equal(got, []string{"pending", "acked"}) {
			t.Errorf("messages %v", got)
		}
		stop()
		<-ended
	})
}

func TestInboxEndsWithItsClient(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		_, ended := b.open(t, l, InboxConfig{}, nil)
		pass(time.Second)
		_ = b.client.Close()
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("ended with %v", err)
		}
		if err := b.client.Inbox(t.Context(), l, InboxConfig{}, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("of a closed client: %v", err)
		}
	})
}

func TestInboxReadsNothingOlderThanWhatItSettled(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.post(t, 1)
		asked := new(journal[string])
		b.seen = func(r *http.Request) {
			if r.Method == http.MethodGet {
				asked.add(r.URL.RawQuery)
			}
		}
		stop, ended := b.open(t, l, InboxConfig{}, func(context.Context, Received) error { return nil })
		pass(time.Minute)
		list := asked.all()
		want := fmt.Sprintf("after=1&limit=100&min_revision=%d&wait_ms=20000", b.revision)
		if list[0] != "after=0&limit=100&wait_ms=20000" || list[len(list)-1] != want {
			t.Errorf("asked %q, want in the end %q", list, want)
		}
		stop()
		<-ended
	})
}
