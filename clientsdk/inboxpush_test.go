package clientsdk

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestPushedMessagesAreNotAskedFor(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		got := new(journal[uint64])
		stop, ended := b.open(t, l, InboxConfig{}, func(_ context.Context, m Received) error {
			got.add(m.Offset)
			return nil
		})
		b.post(t, 10)
		pass(time.Minute)
		b.forgetHits()
		start := time.Now()
		for range 100 {
			b.post(t, 3)
			pass(100 * time.Millisecond)
		}
		if n := len(b.record("GET")); n > 5 { // none, but where a push comes just when it was about to ask
			t.Errorf("%d questions while messages are pushed", n)
		}
		if list := got.all(); len(list) != 310 || !slices.IsSorted(list) {
			t.Errorf("handled %v", list)
		}
		b.wantStates(t, map[string]int{"acked": 310})
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
		pass(10 * time.Minute) // it asks now and then, in case a push was lost, and for gaps
		if n := len(b.record("GET")); n < 10 || n > 40 {
			t.Errorf("%d questions in ten quiet minutes", n)
		}
		stop()
		<-ended
		if n := len(b.client.session.inboxes); n != 0 {
			t.Errorf("%d inboxes are kept", n)
		}
	})
}

func TestWhatPushesLeaveOutIsAskedFor(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		got := new(journal[uint64])
		stop, ended := b.open(t, l, InboxConfig{Batch: 5}, func(_ context.Context, m Received) error {
			got.add(m.Offset)
			return nil
		})
		b.post(t, 1)
		pass(time.Minute)
		for round := range 30 {
			if round%3 == 0 { // a node that pushes with gaps
				s.with(func() { s.noPush = true })
				b.post(t, 1)
				line := s.last()
				b.with(func(*cluster) { line.seen["web-1"]++ })
				pass(time.Millisecond)
				s.with(func() { s.noPush = false })
			}
			b.post(t, 12) // more than there is room for
			pass(5 * time.Second)
		}
		if list := got.all(); len(list) != 1+10+360 || !slices.IsSorted(list) {
			t.Errorf("handled %d, in order: %v", len(list), slices.IsSorted(list))
		}
		stop()
		<-ended
	})
}

func TestAnInboxOutlivesItsSession(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		got := new(journal[uint64])
		stop, ended := b.open(t, l, InboxConfig{}, func(_ context.Context, m Received) error {
			got.add(m.Offset)
			return nil
		})
		for i := range 60 {
			b.post(t, 2)
			pass(time.Second)
			switch i % 20 {
			case 5:
				_ = s.last().ws.NetConn().Close()
			case 10:
				s.last().out <- map[string]string{"op": wire.OpDraining}
			case 15:
				b.with(func(c *cluster) { c.end(c.leases["web-1"], Expired) })
			}
			pass(time.Second)
			if n := len(got.all()); n != 2*(i+1) {
				t.Fatalf("round %d: %d handled, want each within two seconds", i, n)
			}
		}
		if !slices.IsSorted(got.all()) {
			t.Errorf("handled %v", got.all())
		}
		stop()
		<-ended
	})
}

func TestPushedAgainWhatWasGivenBack(t *testing.T) {
	inSession(t, func(t *testing.T, b *bench, s *sessions) {
		l := b.register(t, nil)
		var tries atomic.Int64
		stop, ended := b.open(t, l, InboxConfig{Workers: 3}, func(_ context.Context, m Received) error {
			tries.Add(1)
			if m.Attempts < 3 {
				return errors.New("not yet")
			}
			return nil
		})
		b.post(t, 20)
		pass(time.Minute)
		b.forgetHits()
		b.post(t, 20)
		pass(10 * time.Second)
		b.wantStates(t, map[string]int{"acked": 40})
		if tries.Load() != 160 {
			t.Errorf("%d tries", tries.Load())
		}
		if n := len(b.record("GET")); n > 1 {
			t.Errorf("%d questions", n)
		}
		stop()
		<-ended
	})
}

// Whatever becomes of sessions, nodes and epochs, each message is handled, no
// two workers have the same, and none is begun before an earlier one was.
func TestInboxUnderFaults(t *testing.T) {
	for seed := range uint64(20) {
		inSession(t, func(t *testing.T, b *bench, s *sessions) {
			random := rand.New(rand.NewPCG(seed, 0))
			l := b.register(t, nil)
			var first atomic.Uint64
			busy := map[string]*atomic.Int64{}
			began := new(journal[uint64])
			stop, ended := b.open(t, l, InboxConfig{Workers: 1 + int(seed%4), Batch: 5, Wait: 10 * time.Second}, func(ctx context.Context, m Received) error {
				var with *atomic.Int64
				b.with(func(*cluster) {
					if with = busy[m.ID]; with == nil {
						with = new(atomic.Int64)
						busy[m.ID] = with
					}
				})
				if with.Add(1) != 1 {
					t.Errorf("seed %d: %d is with two workers", seed, m.Offset)
				}
				defer with.Add(-1)
				if m.Offset > first.Load() {
					first.Store(m.Offset)
					began.add(m.Offset)
				}
				pause := time.Duration(m.Offset%5) * 100 * time.Millisecond
				if sleep(ctx, pause) != nil || (m.Offset+uint64(m.Attempts))%4 == 0 {
					return errors.New("not yet")
				}
				return nil
			})
			sent := 0
			for range 60 {
				n := random.IntN(8)
				sent += n
				b.all(func(n *modelNode) { *n = modelNode{} })
				b.post(t, n)
				node := endpoints[random.IntN(3)][len("http://"):]
				switch random.IntN(9) {
				case 0:
					_ = s.last().ws.NetConn().Close()
				case 1:
					s.last().out <- map[string]string{"op": wire.OpDraining}
				case 2:
					b.node(node, func(n *modelNode) { n.down = true })
				case 3:
					b.node(node, func(n *modelNode) { n.noLeader = true })
				case 4:
					b.node(node, func(n *modelNode) { n.silent = true })
				case 5:
					b.node(node, func(n *modelNode) { n.lose = 2 })
				case 6:
					b.with(func(c *cluster) {
						if c.leases["web-1"].live {
							c.end(c.leases["web-1"], Expired)
						}
					})
				}
				pass(time.Duration(random.IntN(3000)) * time.Millisecond)
			}
			b.all(func(n *modelNode) { *n = modelNode{} })
			pass(2 * time.Minute)
			b.wantStates(t, map[string]int{"acked": sent})
			if len(began.all()) > sent || done(l) {
				t.Errorf("seed %d: %v", seed, l.Err())
			}
			stop()
			<-ended
		})
	}
}

func TestPushesOfAnotherLinkOrEpochBeginAnew(t *testing.T) {
	l := &Lease{hold: hold{epoch: 7}}
	b := &inbox{lease: l, rung: make(chan struct{}, 1), config: InboxConfig{Batch: 10}, recent: map[string]uint32{}}
	first, second := new(link), new(link)
	for i, step := range []struct {
		link   *link
		epoch  uint64
		behind bool
		queued int
	}{{first, 7, true, 1}, {first, 7, false, 1}, {first, 7, false, 2}, {second, 7, true, 1}, {second, 7, false, 1}, {second, 8, true, 1}} {
		if !step.behind && step.queued == 1 {
			b.takePushes(uint64(i))
		}
		l.granted(&wire.Grant{Epoch: step.epoch}, instant{})
		b.pushed(step.link, wire.Message{Offset: uint64(i + 1)})
		if b.pushes.behind != step.behind || len(b.pushes.queue) != step.queued {
			t.Errorf("step %d: behind %v, %d queued", i, b.pushes.behind, len(b.pushes.queue))
		}
	}
}

func TestWhatIsSettledLeavesTheQueue(t *testing.T) {
	queued := func() []wire.Message {
		return []wire.Message{{ID: "a"}, {ID: "b"}, {ID: "a", Attempts: 1}, {ID: "a", Attempts: 2}}
	}
	for _, e := range []struct {
		err  error
		left int
	}{{nil, 1}, {errors.New("no"), 2}} {
		b := &inbox{recent: map[string]uint32{}}
		b.pushes.queue = queued()
		b.settled(&verdict{message: wire.Message{ID: "a", Attempts: 1}, err: e.err})
		if len(b.pushes.queue) != e.left || len(b.recent) != 0 {
			t.Errorf("%v: left %+v, remembered %v", e.err, b.pushes.queue, b.recent)
		}
	}
}
