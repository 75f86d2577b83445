package clientsdk

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestLeaveEndsTheLeaseNow(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		epoch := l.Epoch()
		cert, err := l.Leave(t.Context())
		if err != nil || cert == nil || cert.Epoch != epoch || cert.Cause != string(Left) {
			t.Fatalf("certificate %+v, error %v", cert, err)
		}
		if b.lease("web-1").live || l.Valid() || l.Epoch() != 0 || !done(l) || !errors.Is(l.Err(), ErrLeft) {
			t.Errorf("valid %v, epoch %d, done %v, error %v", l.Valid(), l.Epoch(), done(l), l.Err())
		}
		again, err := l.Leave(t.Context())
		if err != nil || again == nil || *again != *cert {
			t.Errorf("left again: %+v, %v", again, err)
		}
	})
}

func TestLeaveAfterTheContextEnded(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		ctx, cancel := context.WithCancel(t.Context())
		l, err := b.client.Register(ctx, Registration{ID: "web-1"})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if cert, err := l.Leave(t.Context()); err != nil || cert == nil || b.lease("web-1").live {
			t.Errorf("certificate %v, error %v", cert, err)
		}
	})
}

func TestLeaveOfWhatIsGone(t *testing.T) {
	for _, cause := range []Cause{Expired, Evicted, Replaced} {
		bubble(t, func(t *testing.T, b *bench) {
			l := b.register(t, nil)
			b.with(func(c *cluster) { c.end(c.leases["web-1"], cause) })
			cert, err := l.Leave(t.Context())
			if err != nil || cert == nil || cert.Cause != string(cause) {
				t.Errorf("%s: certificate %+v, error %v", cause, cert, err)
			}
		})
	}
}

func TestLeaveIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := b.register(t, nil)
		b.all(func(n *modelNode) { n.noLeader = true })
		if _, err := l.Leave(t.Context()); !IsNoLeader(err) {
			t.Fatalf("no quorum: %v", err)
		}
		if l.Valid() {
			t.Error("valid, though it may end at any moment")
		}
		b.all(func(n *modelNode) { *n = modelNode{lose: 1} })
		b.node("n3", func(n *modelNode) { n.lose = 0 })
		if cert, err := l.Leave(t.Context()); err != nil || cert == nil || cert.Cause != string(Left) {
			t.Errorf("lost answers: %+v, %v", cert, err)
		}
	})
}

func TestLeaveBeforeTheGrant(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.silent = true })
		l := b.client.Start(t.Context(), Registration{ID: "web-1"})
		pass(time.Minute)
		if cert, err := l.Leave(t.Context()); cert != nil || err != nil || !errors.Is(l.Err(), ErrLeft) {
			t.Errorf("%v, %v, ended with %v", cert, err, l.Err())
		}
	})
}

func TestCloseEndsEveryKeeping(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var leases []*Lease
		for _, id := range []string{"a", "b", "c"} {
			leases = append(leases, b.register(t, func(r *Registration) {
				r.ID, r.OnState = id, func(Status) {}
			}))
		}
		if err := b.client.Close(); err != nil {
			t.Fatal(err)
		}
		for _, l := range leases {
			if !done(l) || !errors.Is(l.Err(), ErrClosed) {
				t.Errorf("%s: done %v, %v", l.ID(), done(l), l.Err())
			}
		}
		if _, err := b.client.Register(t.Context(), Registration{ID: "d"}); !errors.Is(err, ErrClosed) {
			t.Errorf("registered after Close: %v", err)
		}
		if _, err := NewGateway(b.client, GatewayConfig{}); !errors.Is(err, ErrClosed) {
			t.Errorf("a gateway after Close: %v", err)
		}
	})
}
