package clientsdk

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPanicsInCallbacksAreContained(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		log := new(syncBuffer)
		b.client.log = slog.New(slog.NewTextHandler(log, nil))
		called := new(journal[string])
		l := b.register(t, func(r *Registration) {
			r.OnState = func(s Status) { called.add("state"); panic("in OnState") }
			r.OnLost = func(*LostError) { called.add("lost"); panic("in OnLost") }
			r.OnQuality = func(Quality) { called.add("quality"); panic("in OnQuality") }
		})
		b.with(func(c *cluster) { c.end(c.leases["web-1"], Expired) })
		pass(testTTL)
		b.all(func(n *modelNode) { n.down = true })
		pass(time.Minute)
		b.all(func(n *modelNode) { n.down = false })
		pass(testTTL)
		if !l.Valid() || done(l) {
			t.Fatalf("the lease did not survive its callbacks: %v", l.Status())
		}
		for _, name := range []string{"state", "lost", "quality"} {
			if !slices.Contains(called.all(), name) {
				t.Errorf("%s was not called", name)
			}
		}
		for _, name := range []string{"OnState", "OnLost", "OnQuality"} {
			if !strings.Contains(log.String(), "in "+name) {
				t.Errorf("the panic in %s was not logged", name)
			}
		}
	})
}

// syncBuffer is a buffer for a logger.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestSlowCallbackDoesNotCostTheLease(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		release := make(chan struct{})
		heard := new(journal[*LostError])
		l := b.register(t, func(r *Registration) {
			r.OnState = func(Status) { <-release }
			r.OnLost = heard.add
		})
		for range heraldBuffer { // each makes three calls, so that most are dropped
			b.with(func(c *cluster) { c.end(c.leases["web-1"], Expired) })
			pass(testTTL)
		}
		if !l.Valid() || len(heard.all()) != 0 {
			t.Fatalf("valid %v, heard %d", l.Valid(), len(heard.all()))
		}
		close(release)
		pass(time.Second)
		got := heard.all()
		if len(got) == 0 || len(got) > heraldBuffer || got[len(got)-1].Epoch >= l.Epoch() {
			t.Errorf("%d losses heard of at last", len(got))
		}
	})
}

func TestStatesKeepsTheNewest(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		for range 3 * statusBuffer {
			b.with(func(c *cluster) { c.end(c.leases["web-1"], Expired) })
			pass(testTTL)
		}
		if _, err := l.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		var all []Status
		for s := range l.States() { // ends, because the channel is closed
			all = append(all, s)
		}
		if len(all) != statusBuffer {
			t.Errorf("%d states waited, want %d", len(all), statusBuffer)
		}
		if last := all[len(all)-1]; last.State != Disconnected || !errors.Is(last.Err, ErrLeft) {
			t.Errorf("the last is %+v", last)
		}
	})
}

func TestOnStateHearsOnlyOfChanges(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		states := new(journal[Status])
		b.register(t, func(r *Registration) { r.OnState = states.add })
		for range 3 {
			pass(time.Minute)
			b.all(func(n *modelNode) { n.noLeader = true })
			pass(time.Minute)
			b.all(func(n *modelNode) { n.noLeader = false })
		}
		want := []State{Connecting, Connected, Reconnecting, Connected, Reconnecting, Connected, Reconnecting}
		if got := statesOf(states.all()); !slices.Equal(got, want) {
			t.Errorf("states %v, want %v", got, want)
		}
	})
}

func TestLeaveFromACallback(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var l *Lease
		left := make(chan error, 1)
		l = b.register(t, func(r *Registration) {
			r.OnLost = func(*LostError) {
				_, err := l.Leave(background())
				left <- err
			}
		})
		b.with(func(c *cluster) { c.end(c.leases["web-1"], Expired) })
		if err := <-left; err != nil {
			t.Errorf("leave: %v", err)
		}
		<-l.Done()
	})
}
