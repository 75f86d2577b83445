package clientsdk

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestIndeterminateGrantIsNotDoubled(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.lose = 4 }) // twelve answers are lost
		l := b.client.Start(t.Context(), Registration{ID: "web-1", TTL: time.Hour})
		pass(5 * time.Minute)
		puts := b.record("PUT")
		if len(puts) != 13 || !l.Valid() {
			t.Fatalf("%d registrations, want 13; valid %v", len(puts), l.Valid())
		}
		for _, h := range puts {
			if h.key == "" || h.key != puts[0].key {
				t.Fatalf("keys %q and %q for one epoch", puts[0].key, h.key)
			}
		}
		b.with(func(c *cluster) {
			if len(c.keys) != 1 || len(c.ended) != 0 {
				t.Errorf("%d grants, %d ended, want one that lives", len(c.keys), len(c.ended))
			}
		})
		if want := time.Hour - time.Since(puts[0].at); l.Remaining() > want {
			t.Errorf("remaining %v, more than T since the first try, %v", l.Remaining(), want)
		}
	})
}

func TestLateGrantIsRenewedBeforeItCounts(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.noLeader = true })
		l := b.client.Start(t.Context(), Registration{ID: "web-1", TTL: testTTL})
		pass(time.Hour)
		b.all(func(n *modelNode) { n.noLeader, n.lag = false, time.Millisecond })
		<-l.ready
		if !l.Valid() || l.Status().State != Connected {
			t.Errorf("ready with valid %v, %v", l.Valid(), l.Status())
		}
		if beats := b.record("POST"); len(beats) != 1 {
			t.Errorf("%d heartbeats, want the one that makes the grant certain", len(beats))
		}
	})
}

func TestWhatWasNeverSentDoesNotAgeTheGrant(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.down = true })
		l := b.client.Start(t.Context(), Registration{ID: "web-1", TTL: testTTL})
		pass(time.Hour)
		b.all(func(n *modelNode) { n.down, n.lag = false, time.Millisecond })
		<-l.ready
		if beats := b.record("POST"); len(beats) != 0 || l.Remaining() != testTTL-time.Millisecond {
			t.Errorf("%d heartbeats, %v remaining; an hour of refused connections counts for nothing", len(beats), l.Remaining())
		}
	})
}

func TestGrantThatEndedUnheardIsAskedForAnew(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.lose = 1 })
		l := b.client.Start(t.Context(), Registration{ID: "web-1", TTL: time.Second})
		synctest.Wait()
		b.all(func(n *modelNode) { n.down = true })
		pass(time.Minute) // the first grant expires, nobody heard of it
		b.all(func(n *modelNode) { n.down, n.lose = false, 0 })
		pass(5 * time.Second)
		puts := b.record("PUT")
		if !l.Valid() || puts[len(puts)-1].key == puts[0].key {
			t.Errorf("valid %v, last key the first one's: %v", l.Valid(), puts[len(puts)-1].key == puts[0].key)
		}
	})
}

func TestEachEpochHasItsKey(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.register(t, nil)
		for range 5 {
			b.with(func(c *cluster) { c.end(c.leases["web-1"], Expired) })
			pass(testTTL)
		}
		seen := map[string]bool{}
		for _, h := range b.record("PUT") {
			seen[h.key] = true
		}
		if len(seen) != 6 {
			t.Errorf("%d keys for 6 epochs", len(seen))
		}
	})
}

func TestIDMadeByTheClusterIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, func(r *Registration) { r.ID = "" })
		id := l.ID()
		if id == "" {
			t.Fatal("no id")
		}
		b.with(func(c *cluster) { c.end(c.leases[id], Expired) })
		pass(testTTL)
		if l.ID() != id || !l.Valid() || b.lease(id).epoch != l.Epoch() {
			t.Errorf("id %q after %q, valid %v", l.ID(), id, l.Valid())
		}
	})
}

func TestExclusiveIsLostToWhoeverWasFaster(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, func(r *Registration) { r.Exclusive = true })
		other := b.dial(t, endpoints...)
		if _, err := other.Register(t.Context(), Registration{ID: "web-1", Exclusive: true}); !IsTaken(err) {
			t.Fatalf("two hold the lock: %v", err)
		}
		b.suspend(time.Hour) // expired meanwhile
		second, err := other.Register(t.Context(), Registration{ID: "web-1", Exclusive: true})
		if err != nil {
			t.Fatal(err)
		}
		pass(testTTL)
		gone, ok := errors.AsType[*LostError](l.Err())
		if !ok || gone.Cause != Replaced || gone.CurrentEpoch != second.Epoch() {
			t.Errorf("the first holder ended with %v, want replaced by %d", l.Err(), second.Epoch())
		}
		if !second.Valid() {
			t.Error("the second holder lost it")
		}
	})
}

func TestExclusiveIsLostBetweenItsEpochs(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, func(r *Registration) { r.Exclusive = true })
		b.all(func(n *modelNode) { n.script = []answer{problem(410, wire.CodeLeaseEnded)} })
		b.with(func(c *cluster) { // who was faster, between our 410 and our next registration
			c.leases["web-1"] = &modelLease{id: "web-1", epoch: 999, live: true, deadline: c.now().Add(time.Hour)}
		})
		pass(testTTL / 2)
		gone, ok := errors.AsType[*LostError](l.Err())
		if !ok || gone.Cause != Replaced || gone.CurrentEpoch != 999 || !gone.Final {
			t.Errorf("ended with %v, want replaced by 999", l.Err())
		}
	})
}

func TestReclaimingProcessesDoNotFight(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		lost := new(journal[*LostError])
		reclaim := func(r *Registration) { r.Reclaim, r.OnLost = true, lost.add }
		first := b.register(t, reclaim)
		other := b.dial(t, endpoints...)
		reg := Registration{ID: "web-1", TTL: testTTL}
		reclaim(&reg)
		second, err := other.Register(t.Context(), reg)
		if err != nil {
			t.Fatal(err)
		}
		b.forgetHits()
		pass(8 * time.Hour)
		if first.Valid() || !second.Valid() || done(first) || len(lost.all()) != 1 {
			t.Fatalf("after eight hours: first valid %v, second %v, losses %v", first.Valid(), second.Valid(), lost.all())
		}
		puts := b.record("PUT")
		for i, h := range puts[1:] {
			if gap := h.at.Sub(puts[i].at); gap < testTTL {
				t.Fatalf("asked again after %v, less than T", gap)
			}
		}
		if _, err := second.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(testTTL * 3 / 2)
		if !first.Valid() || first.Status().State != Connected {
			t.Errorf("1.5 T after the holder left the other has not stepped in: %v", first.Status())
		}
	})
}

func TestReclaimBacksOffLongerEachTime(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		evicted := new(journal[*LostError])
		b.register(t, func(r *Registration) { r.Reclaim, r.OnLost = true, evicted.add })
		b.forgetHits()
		began := time.Now()
		for time.Since(began) < 4*time.Hour { // an operator who means it
			b.with(func(c *cluster) {
				if l := c.leases["web-1"]; l.live {
					c.end(l, Evicted)
				}
			})
			pass(time.Second)
		}
		puts := b.record("PUT")
		for i, h := range puts[1:] {
			want := testTTL << min(i+1, 4)
			if gap := h.at.Sub(puts[i].at); gap < want || gap > want*5/4+testTTL {
				t.Errorf("claim %d came %v after the one before, want %v and little more", i+1, gap, want)
			}
		}
		if got := evicted.all(); len(got) < 20 || got[0].Final {
			t.Errorf("%d losses, final %v", len(got), got[0].Final)
		}
	})
}

func TestReclaimForgivesAfterALongHold(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, func(r *Registration) { r.Reclaim = true })
		evict := func() {
			b.with(func(c *cluster) { c.end(c.leases["web-1"], Evicted) })
			pass(testTTL / 2)
		}
		for range 4 {
			evict()
			pass(25 * testTTL)
		}
		if !l.Valid() {
			t.Fatalf("not reclaimed: %+v", l.Status())
		}
		pass(40 * testTTL)
		evict()
		pass(2 * testTTL)
		if !l.Valid() {
			t.Errorf("held for 40 T, evicted once, and after 2.5 T not back: %+v", l.Status())
		}
	})
}

func TestDrainSurvivesANewGrant(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		if _, err := l.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Update(t.Context(), wire.Patch{Tags: &[]string{"v3"}}); err != nil {
			t.Fatal(err)
		}
		b.with(func(c *cluster) { c.end(c.leases["web-1"], Expired) })
		pass(testTTL)
		got := b.lease("web-1")
		if !got.live || got.state != "draining" || len(got.reg.Tags) != 1 || got.reg.Tags[0] != "v3" {
			t.Errorf("the new grant is %+v, want draining and tagged v3", got)
		}
	})
}

func TestUpdateNeedsALease(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.down = true })
		l := b.client.Start(t.Context(), Registration{ID: "web-1"})
		if _, err := l.Drain(t.Context()); !errors.Is(err, ErrNotHeld) {
			t.Errorf("got %v", err)
		}
	})
}
